#!/bin/sh
# From the built app to a disk image: sign, pack, notarise, staple.
#   packaging/macos/package.sh FLAVOUR
# CELLSAM_SIGN_AS names the identity ("Developer ID Application: ..."); without it the app is signed ad hoc, and
# users open it the first time by a right click. CELLSAM_NOTARY_PROFILE names a profile that
# `xcrun notarytool store-credentials` made; without it nothing is sent to Apple.
set -eu

flavour=$1
cd "$(dirname "$0")/../.."
app="dist/$flavour/CellSAM Desktop.app"
version=$(python3 -c "import json; print(json.load(open('build/$flavour/staged/bundled/build.json'))['version'])")
image="dist/cellsam-desktop-$version-$flavour-macos-$(uname -m).dmg"
identity=${CELLSAM_SIGN_AS:--}

# PyInstaller has signed what it collected, one file at a time; the app as a whole is signed last.
if [ "$identity" = - ]; then
    codesign --force --deep --sign - "$app"
else
    codesign --force --options runtime --timestamp --entitlements packaging/macos/entitlements.plist \
        --sign "$identity" "$app"
fi
codesign --verify --deep --strict "$app"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$app" "$folder/"
ln -s /Applications "$folder/Applications"
cp LICENSE "$folder/"
hdiutil create -volname "CellSAM Desktop" -srcfolder "$folder" -fs HFS+ -format ULMO -ov "$image"

if [ "$identity" != - ]; then
    codesign --force --timestamp --sign "$identity" "$image"
fi
if [ -n "${CELLSAM_NOTARY_PROFILE:-}" ]; then
    xcrun notarytool submit "$image" --keychain-profile "$CELLSAM_NOTARY_PROFILE" --wait
    xcrun stapler staple "$image"
    spctl --assess --type open --context context:primary-signature "$image"
fi
(cd dist && shasum -a 256 "$(basename "$image")" > "$(basename "$image").sha256")
echo "$image"
