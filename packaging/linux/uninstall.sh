#!/bin/sh
# Removes what install.sh put there. Projects, models, settings and the cache stay; the last lines say where.
set -eu

name=cellsam-desktop
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=$(dirname -- "$(dirname -- "$here")")
share=$prefix/share
if [ "$prefix" = "${HOME:-}/.local" ] && [ -n "${XDG_DATA_HOME:-}" ]; then share=$XDG_DATA_HOME; fi

say() { printf '%s\n' "$*"; }

if [ "$(basename -- "$here")" != "$name" ] || [ "$(basename -- "$(dirname -- "$here")")" != opt ]; then
    say "$here was not installed by install.sh: delete that folder to remove the program." >&2
    exit 1
fi

if [ "$(readlink -- "$prefix/bin/$name" || true)" = "$here/$name" ]; then rm -f "$prefix/bin/$name"; fi
rm -f "$share/applications/$name.desktop" "$share/mime/packages/$name.xml"
rm -f "$share/icons/hicolor"/*/apps/"$name".png "$share/icons/hicolor/scalable/apps/$name.svg"
refresh() { if command -v "$1" > /dev/null 2>&1; then "$@" > /dev/null 2>&1 || true; fi; }
refresh update-mime-database "$share/mime"
refresh update-desktop-database "$share/applications"
cd /
rm -rf "$here"

say "CellSAM Desktop is removed. Your projects are where you made them. These folders are left:"
say "  models    ${XDG_DATA_HOME:-$HOME/.local/share}/$name"
say "  settings  ${XDG_CONFIG_HOME:-$HOME/.config}/$name"
say "  cache     ${XDG_CACHE_HOME:-$HOME/.cache}/$name"
say "  log       ${XDG_STATE_HOME:-$HOME/.local/state}/$name"
