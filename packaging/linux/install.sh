#!/bin/sh
# Installs CellSAM Desktop for this user, without root: the program, its entry in the menu, and the file type
# .cellsam. An earlier version is replaced; projects, models and settings stay as they are.
# PREFIX=FOLDER ./install.sh installs below another folder than ~/.local.
set -eu

name=cellsam-desktop
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=${PREFIX:-$HOME/.local}
share=$prefix/share
if [ -z "${PREFIX:-}" ] && [ -n "${XDG_DATA_HOME:-}" ]; then share=$XDG_DATA_HOME; fi
program=$prefix/opt/$name

say() { printf '%s\n' "$*"; }

if [ ! -x "$here/$name" ] || [ ! -d "$here/_internal" ]; then
    say "install.sh must lie in the unpacked folder, beside the program $name." >&2
    exit 1
fi
if [ "$here" = "$program" ]; then
    say "This is the installed program already: run install.sh of the version to be installed." >&2
    exit 1
fi

# The new version is complete before the old one goes.
mkdir -p "$prefix/opt" "$prefix/bin" "$share/applications" "$share/mime/packages"
rm -rf "$program.new" "$program.old"
# Links to the same files take no time and no space; on another file system they have to be copied.
if ! cp -Rl "$here" "$program.new" 2> /dev/null; then
    rm -rf "$program.new"
    cp -R "$here" "$program.new"
fi
if [ -d "$program" ]; then mv "$program" "$program.old"; fi
mv "$program.new" "$program"
rm -rf "$program.old"
ln -sf "$program/$name" "$prefix/bin/$name"

# In a .desktop file a path is quoted, and \ " ` $ in it escaped twice: once for the quotes, once for the value.
quoted=$(printf '%s' "$program/$name" | sed -e 's/\\/\\\\\\\\/g' -e 's/["`$]/\\\\&/g' -e 's/%/%%/g')
for_sed=$(printf '%s' "$quoted" | sed -e 's/[\\&|]/\\&/g')
plain_for_sed=$(printf '%s' "$program/$name" | sed -e 's/\\/\\\\/g' -e 's/[\\&|]/\\&/g')
sed -e "s|^Exec=@PROGRAM@|Exec=\"$for_sed\"|" -e "s|^TryExec=@PROGRAM@|TryExec=$plain_for_sed|" \
    "$program/share/$name.desktop" > "$share/applications/$name.desktop"
cp "$program/share/$name.xml" "$share/mime/packages/$name.xml"
for size in 16 24 32 48 64 128 256 512; do
    icons=$share/icons/hicolor/${size}x${size}/apps
    mkdir -p "$icons"
    cp "$program/share/icons/$size.png" "$icons/$name.png"
done
mkdir -p "$share/icons/hicolor/scalable/apps"
cp "$program/share/icons/$name.svg" "$share/icons/hicolor/scalable/apps/$name.svg"

refresh() { if command -v "$1" > /dev/null 2>&1; then "$@" > /dev/null 2>&1 || true; fi; }
refresh update-mime-database "$share/mime"
refresh update-desktop-database "$share/applications"
refresh gtk-update-icon-cache -q -t -f "$share/icons/hicolor"
if [ -z "${PREFIX:-}" ]; then refresh xdg-mime default "$name.desktop" application/x-cellsam; fi

say "CellSAM Desktop is installed in $program."
case ":$PATH:" in
    *":$prefix/bin:"*) say "Start it from the menu, or with: $name" ;;
    *) say "Start it from the menu, or with: $prefix/bin/$name" ;;
esac
say "To remove it: $program/uninstall.sh"
