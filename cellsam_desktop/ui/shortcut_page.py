"""The shortcuts as a page of the manual.

``python -m cellsam_desktop.ui.shortcut_page > docs/shortcuts.md`` writes it.
"""

from __future__ import annotations

import sys

from cellsam_desktop.ui.action_spec import Group, Where, keys_of, plain_key
from cellsam_desktop.ui.action_table import ACTIONS
from cellsam_desktop.ui.dialogs.shortcut_sheet import GESTURES

_HEAD = """# Shortcuts

The same list opens in the program with `F1` or `?`. Every key can be changed in the preferences
(File > Preferences > Shortcuts); a key that is taken already says by what. Letters act only while no text
field has the focus. Keys marked * act while the canvas has the focus, which a click there gives it.
"""


def page() -> str:
    """The default keys and the gestures of the mouse, one table per group."""
    return _HEAD + "".join(_section(group) for group in Group)


def _section(group: Group) -> str:
    lines = [f"\n## {group.value}\n", "| Key | Action |", "|---|---|"]
    for spec in ACTIONS:
        keys = tuple(dict.fromkeys(plain_key(key) for key in keys_of(spec, {})))
        if spec.group is group and keys:
            mark = " *" if spec.where is Where.CANVAS else ""
            lines.append(f"| {' '.join(f'`{key}`' for key in keys)}{mark} | {spec.title} |")
    lines += [f"| {gesture} | {text} |" for place, gesture, text in GESTURES if place is group]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
