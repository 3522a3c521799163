; Inno Setup 6: one installer for this user, without administrator's rights.
; iscc /DVersion=1.2.3 /DFlavour=lean packaging\windows\installer.iss
#ifndef Version
  #error "State the version: iscc /DVersion=1.2.3 ..."
#endif
#ifndef Flavour
  #define Flavour "lean"
#endif
#define Name "CellSAM Desktop"
#define Program "CellSAM Desktop.exe"
#define Source "..\..\dist\" + Flavour + "\cellsam-desktop"

[Setup]
; The same for all versions and flavours: a new one replaces the old one.
AppId={{6B0C62B0-5B0C-4F0E-9A34-0B7C4D7B1D53}
AppName={#Name}
AppVersion={#Version}
AppVerName={#Name} {#Version} ({#Flavour})
AppPublisher={#Name}
DefaultDirName={autopf}\{#Name}
DefaultGroupName={#Name}
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
ChangesAssociations=yes
ChangesEnvironment=yes
CloseApplications=yes
RestartApplications=no
Compression=lzma2/max
SolidCompression=yes
LZMANumBlockThreads=2
; The full flavour is larger than what a single executable may hold.
DiskSpanning={#Flavour == "full" ? "yes" : "no"}
LicenseFile=..\..\LICENSE
OutputDir=..\..\dist
OutputBaseFilename=cellsam-desktop-{#Version}-{#Flavour}-windows-x86_64
SetupIconFile=..\..\build\{#Flavour}\staged\icons\cellsam-desktop.ico
UninstallDisplayIcon={app}\{#Program}
WizardStyle=modern

[Tasks]
Name: "desktop"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"; Flags: unchecked
Name: "associate"; Description: "Open .cellsam files with {#Name}"
Name: "path"; Description: "Add the command cellsam-desktop to the PATH"; Flags: unchecked

[InstallDelete]
; Nothing of an earlier version may lie beside the new one: libraries are found by name.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Source}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs
Source: "..\..\LICENSE"; DestDir: "{app}"; Flags: ignoreversion

[Icons]
Name: "{group}\{#Name}"; Filename: "{app}\{#Program}"
Name: "{autodesktop}\{#Name}"; Filename: "{app}\{#Program}"; Tasks: desktop

[Registry]
Root: HKA; Subkey: "Software\Classes\.cellsam"; ValueType: string; ValueData: "CellSAM.Project"; Flags: uninsdeletevalue; Tasks: associate
Root: HKA; Subkey: "Software\Classes\CellSAM.Project"; ValueType: string; ValueData: "CellSAM project"; Flags: uninsdeletekey; Tasks: associate
Root: HKA; Subkey: "Software\Classes\CellSAM.Project\DefaultIcon"; ValueType: string; ValueData: """{app}\{#Program}"",0"; Tasks: associate
Root: HKA; Subkey: "Software\Classes\CellSAM.Project\shell\open\command"; ValueType: string; ValueData: """{app}\{#Program}"" gui ""%1"""; Tasks: associate
Root: HKA; Subkey: "Software\Classes\Applications\{#Program}\SupportedTypes"; ValueType: string; ValueName: ".cellsam"; ValueData: ""; Flags: uninsdeletekey; Tasks: associate
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Check: NotOnPath; Tasks: path

[Run]
Filename: "{app}\{#Program}"; Parameters: "demo"; Description: "Open the sample movie"; Flags: nowait postinstall skipifsilent unchecked

[Code]
function NotOnPath(): Boolean;
var
  Before: string;
begin
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Before) then
    Before := '';
  Result := Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Before) + ';') = 0;
end;

procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Before, After, Ours: string;
begin
  if Step <> usPostUninstall then
    exit;
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Before) then
    exit;
  Ours := ';' + ExpandConstant('{app}');
  After := Before;
  StringChangeEx(After, Ours, '', True);
  if After <> Before then
    RegWriteExpandStringValue(HKCU, 'Environment', 'Path', After);
end;
