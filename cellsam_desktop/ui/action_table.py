"""Everything the user can ask for, with its default keys, and where it stands in the menus.

The keys are those that the hands of biologists know from napari, Fiji, Cellpose, Cell-ACDC and labelme.
Each key stands here once; deletion is never bound to a click, and Esc never closes anything.
"""

from __future__ import annotations

from collections.abc import Callable

from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.ui import action_rules as rules
from cellsam_desktop.ui.action_spec import (
    RECENT,
    ActionSpec,
    Ask,
    Group,
    Menu,
    Run,
    Submenu,
    Where,
)
from cellsam_desktop.ui.model_actions import MODEL_ACTIONS, MODEL_MENU
from cellsam_desktop.ui.track_actions import ONION, PLAYING, TRACK_ACTIONS, TRACK_MENU

_WINDOW, _CANVAS = Where.WINDOW, Where.CANVAS
Make = Callable[..., ActionSpec]


def _tool(tool: Tool, keys: str, text: str, tip: str) -> ActionSpec:
    return ActionSpec(
        f"tool.{tool.value}",
        text,
        Group.TOOLS,
        rules.pick(tool),
        tuple(keys.split()),
        icon=tool.value,
        tip=tip,
        checked=rules.picked(tool),
        exclusive="tool",
    )


def _in(group: Group, enabled: Ask, where: Where = _WINDOW) -> Make:
    """A short way to write actions of one group; keys are separated by spaces."""

    def make(
        action_id: str, text: str, keys: str, run: Run, when: Ask = enabled, icon: str = ""
    ) -> ActionSpec:
        return ActionSpec(action_id, text, group, run, tuple(keys.split()), icon, where=where, enabled=when)

    return make


def _switch(action_id: str, text: str, key: str, name: str) -> ActionSpec:
    checked = rules.shown(name)
    return ActionSpec(action_id, text, Group.VIEW, rules.toggle(name), (key,), checked=checked)


def _hold(action_id: str, text: str, key: str, press: Run, release: Run) -> ActionSpec:
    return ActionSpec(action_id, text, Group.VIEW, press, (key,), where=_CANVAS, release=release)


_brush = _in(Group.TOOLS, rules.always)
_prompt = _in(Group.POINTING, rules.has_prompts, _CANVAS)
_cell = _in(Group.CELLS, rules.has_selection)
_frame = _in(Group.FRAMES, rules.has_frames)
_depth = _in(Group.FRAMES, rules.has_depth, _CANVAS)
_view = _in(Group.VIEW, rules.has_movie)
_file = _in(Group.FILE, rules.has_movie)
_help = _in(Group.HELP, rules.always)

_TOOLS = (
    _tool(Tool.POINT, "Q 1", "Point", "Click a cell: left adds, right or Shift+left takes away"),
    _tool(Tool.BOX, "W 2", "Box", "Drag a box around a cell"),
    _tool(Tool.BRUSH, "B 3", "Brush", "Paint; under other cells, with Ctrl over them"),
    _tool(Tool.ERASER, "E 4", "Eraser", "Erase from the mask"),
    _tool(Tool.LASSO, "P 5", "Lasso", "Draw around an area"),
    _tool(Tool.SELECT, "V 6", "Select", "Click a cell to select it, with Shift to add it"),
    _brush("brush.smaller", "Smaller brush", "[", rules.scale_brush(1 / rules.BRUSH_STEP)),
    _brush("brush.larger", "Larger brush", "]", rules.scale_brush(rules.BRUSH_STEP)),
)

_POINTING = (
    _prompt(
        "prompt.accept", "Accept", "F Return Enter", lambda c: c.session.prompting.accept(), icon="check"
    ),
    _prompt("prompt.accept_next", "Accept and begin the next cell", "N", rules.accept_and_begin),
    _prompt("prompt.next", "Next candidate", "Tab", rules.cycle(1), rules.has_proposal),
    _prompt("prompt.previous", "Previous candidate", "Shift+Tab", rules.cycle(-1), rules.has_proposal),
    _prompt(
        "prompt.undo_last", "Remove the last prompt", "Backspace", lambda c: c.session.prompting.remove_last()
    ),
    _prompt("prompt.clear", "Clear the prompts, or drop a drag", "Esc", rules.clear, rules.can_clear),
    ActionSpec(
        "prompt.reference",
        "Reference mode",
        Group.POINTING,
        rules.toggle_reference_mode,
        tip="Show the model whole images only, and order its candidates by its own estimate",
        checked=rules.reference_mode,
    ),
)

_CELLS = (
    _cell("edit.undo", "Undo", "Ctrl+Z", lambda c: c.session.undo(), rules.can_undo, "undo"),
    _cell("edit.redo", "Redo", "Ctrl+Shift+Z Ctrl+Y", lambda c: c.session.redo(), rules.can_redo, "redo"),
    _cell("cell.previous", "Previous cell", "PgUp", rules.step_selection(-1), rules.has_cells),
    _cell("cell.next", "Next cell", "PgDown", rules.step_selection(1), rules.has_cells),
    _cell("cell.find", "Find a cell…", "Ctrl+F", lambda c: c.desk.find_cell(), rules.has_cells),
    _cell("cell.refine", "Refine", "R", lambda c: c.session.prompting.refine_selected()),
    _cell("cell.rename", "Rename…", "F2", lambda c: c.desk.rename_selected()),
    _cell("cell.lock", "Lock or unlock", "Ctrl+L", rules.toggle_lock),
    _cell("cell.hide", "Hide or show", "Ctrl+H", rules.toggle_visible),
    _cell("cell.solo", "Show alone", "Ctrl+I", rules.toggle_solo),
    _cell("shape.grow", "Grow", "+ =", lambda c: c.session.editing.grow(), rules.can_reshape),
    _cell("shape.shrink", "Shrink", "-", lambda c: c.session.editing.shrink(), rules.can_reshape),
    _cell("shape.fill", "Fill holes", "Shift+F", lambda c: c.session.editing.fill_holes(), rules.can_reshape),
    _cell("shape.largest", "Keep the largest piece", "Shift+K", rules.keep_largest, rules.can_reshape),
    _cell("cell.delete", "Delete here", "Del", lambda c: c.session.editing.delete_here()),
    _cell("cell.delete_on", "Delete from here on", "Shift+Del", rules.delete_from_here),
)

_FRAMES = (
    _frame("frame.previous", "Previous frame", "Left A ,", rules.step(-1)),
    _frame("frame.next", "Next frame", "Right D .", rules.step(1)),
    _frame("frame.back", "10 frames back", "Shift+Left", rules.step(-10)),
    _frame("frame.ahead", "10 frames ahead", "Shift+Right", rules.step(10)),
    _frame("frame.first", "First frame", "Home", lambda c: c.session.navigation.go_to(0)),
    _frame("frame.last", "Last frame", "End", rules.to_last_frame),
    _frame("frame.play", "Play or pause", "K", lambda c: c.session.navigation.toggle_play()),
    *PLAYING,
    _depth("depth.up", "Next z position", "Up", lambda c: c.session.navigation.step_z(1)),
    _depth("depth.down", "Previous z position", "Down", lambda c: c.session.navigation.step_z(-1)),
)

_VIEW = (
    _view("view.fit", "Fit to window", "Ctrl+R", lambda c: c.window.fit_view(), icon="fit"),
    _view("view.zoom_in", "Zoom in", "Ctrl++ Ctrl+=", lambda c: c.window.zoom_by(1.25)),
    _view("view.zoom_out", "Zoom out", "Ctrl+-", lambda c: c.window.zoom_by(0.8)),
    _switch("view.masks", "Masks", "X", "show_masks"),
    _switch("view.outlines", "Outlines", "Z", "show_outlines"),
    ONION,
    _view("view.show_all", "Show all cells", "Ctrl+Shift+H", rules.show_all, rules.has_hidden),
    _view("view.auto_contrast", "Auto contrast", "C", rules.auto_contrast, icon="contrast"),
    _hold("view.peek", "Hide everything while held", "H", rules.hide_all(True), rules.hide_all(False)),
    _hold("view.pan", "Move the view while held", "Space", rules.hold_pan(True), rules.hold_pan(False)),
)

_COLOURS = tuple(
    ActionSpec(
        f"colour.{by.value}",
        by.value.capitalize(),
        Group.VIEW,
        rules.colour_by(by),
        enabled=rules.has_movie,
        checked=rules.coloured_by(by),
        exclusive="colour",
    )
    for by in ColourBy
)

_FILE = (
    _file("file.open", "Open…", "Ctrl+O", lambda c: c.desk.open_movie(), rules.always, "open"),
    _file("file.open_folder", "Open folder…", "Ctrl+Shift+O", lambda c: c.desk.open_folder(), rules.always),
    _file("file.sample", "Open the sample", "", lambda c: c.desk.open_sample(), rules.always),
    _file("file.save", "Save", "Ctrl+S", lambda c: c.desk.save()),
    _file("file.save_as", "Save as…", "Ctrl+Shift+S", lambda c: c.desk.save_as()),
    _file("file.axes", "Axes and scale…", "Ctrl+Shift+A", lambda c: c.desk.axes()),
    _file("file.import_labels", "Import labels…", "Ctrl+Shift+I", lambda c: c.desk.import_labels()),
    _file(
        "file.export_labels", "Export labels…", "Ctrl+E", lambda c: c.desk.export_labels(), rules.has_cells
    ),
    _file(
        "file.export_table", "Export table…", "Ctrl+Shift+E", lambda c: c.desk.export_table(), rules.has_cells
    ),
    _file("file.import_tracks", "Import cells…", "", lambda c: c.desk.import_tracks()),
    _file("file.import_folder", "Import cells from a folder…", "", lambda c: c.desk.import_folder()),
    _file(
        "file.export_ctc", "Export for the Cell Tracking Challenge…", "", rules.export("ctc"), rules.has_cells
    ),
    _file("file.export_geff", "Export GEFF…", "", rules.export("geff"), rules.has_cells),
    _file("file.export_trackmate", "Export for TrackMate…", "", rules.export("trackmate"), rules.has_cells),
    _file("file.export_picture", "Export picture…", "Ctrl+Alt+E", lambda c: c.desk.export_picture()),
    _file("file.close", "Close movie", "Ctrl+W", lambda c: c.session.close_movie()),
    _file("file.preferences", "Preferences…", "Ctrl+,", lambda c: c.desk.preferences(), rules.always),
    _file("file.quit", "Quit", "Ctrl+Q", lambda c: c.window.close(), rules.always),
)

_HELP = (
    _help("help.keys", "Shortcuts", "F1 ?", lambda c: c.desk.shortcuts()),
    _help("help.welcome", "Welcome", "", lambda c: c.desk.welcome()),
    _help("help.about", "About CellSAM Desktop", "", lambda c: c.desk.about()),
)

ACTIONS: tuple[ActionSpec, ...] = (
    *_TOOLS,
    *_POINTING,
    *_CELLS,
    *TRACK_ACTIONS,
    *_FRAMES,
    *_VIEW,
    *_COLOURS,
    *MODEL_ACTIONS,
    *_FILE,
    *_HELP,
)

MENUS: tuple[Menu, ...] = (
    Menu(
        "&File",
        (
            "file.open",
            "file.open_folder",
            RECENT,
            "file.sample",
            None,
            "file.save",
            "file.save_as",
            "file.close",
            None,
            "file.axes",
            Submenu("Import", ("file.import_labels", "file.import_tracks", "file.import_folder")),
            Submenu(
                "Export",
                (
                    "file.export_labels",
                    "file.export_ctc",
                    "file.export_geff",
                    "file.export_trackmate",
                    None,
                    "file.export_table",
                    "file.export_picture",
                ),
            ),
            None,
            "file.preferences",
            None,
            "file.quit",
        ),
    ),
    Menu(
        "&Edit",
        (
            "edit.undo",
            "edit.redo",
            None,
            "cell.find",
            "cell.previous",
            "cell.next",
            None,
            "cell.refine",
            "cell.rename",
            "cell.lock",
            "cell.hide",
            "cell.solo",
            None,
            "shape.grow",
            "shape.shrink",
            "shape.fill",
            "shape.largest",
            None,
            "cell.delete",
            "cell.delete_on",
        ),
    ),
    Menu(
        "&Tools",
        (
            *(spec.id for spec in _TOOLS),
            None,
            *(spec.id for spec in _POINTING),
        ),
    ),
    TRACK_MENU,
    MODEL_MENU,
    Menu(
        "&View",
        (
            "view.fit",
            "view.zoom_in",
            "view.zoom_out",
            None,
            "view.masks",
            "view.outlines",
            "view.onion",
            "view.show_all",
            "view.auto_contrast",
            Submenu("Colour by", tuple(spec.id for spec in _COLOURS)),
            None,
            "frame.previous",
            "frame.next",
            "frame.back",
            "frame.ahead",
            "frame.first",
            "frame.last",
            "frame.play",
            "frame.slower",
            "frame.faster",
            None,
            "depth.up",
            "depth.down",
        ),
    ),
    Menu("&Help", ("help.keys", "help.welcome", None, "help.about")),
)
