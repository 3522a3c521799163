"""Everything the user can ask for, with its default keys, and where it stands in the menus.

The keys are those that the hands of biologists know from napari, Fiji, Cellpose, Cell-ACDC and labelme.
Each key stands here once; deletion is never bound to a click, and Esc never closes anything.
"""

from __future__ import annotations

from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.ui.action_spec import (
    RECENT,
    ActionContext,
    ActionSpec,
    Ask,
    Group,
    Menu,
    Run,
    Submenu,
    Where,
)

BRUSH_STEP = 1.25
"""Factor by which the keys change the brush radius."""


def _open(context: ActionContext) -> bool:
    return context.session.movie is not None


def _selected(context: ActionContext) -> bool:
    return _open(context) and bool(context.session.view.selection)


def _proposed(context: ActionContext) -> bool:
    return context.session.prompting.proposal is not None


def _shape(context: ActionContext) -> bool:
    return _proposed(context) or _selected(context)


def _prompted(context: ActionContext) -> bool:
    prompting = context.session.prompting
    return not prompting.prompts.empty or prompting.proposal is not None


def _frames(context: ActionContext) -> bool:
    movie = context.session.movie
    return movie is not None and movie.info.sizes.t > 1


def _depth(context: ActionContext) -> bool:
    movie = context.session.movie
    return movie is not None and movie.info.sizes.z > 1


def _cells(context: ActionContext) -> bool:
    movie = context.session.movie
    return movie is not None and len(movie.document) > 0


def _can_undo(context: ActionContext) -> bool:
    movie = context.session.movie
    return movie is not None and movie.history.undo_name is not None


def _can_redo(context: ActionContext) -> bool:
    movie = context.session.movie
    return movie is not None and movie.history.redo_name is not None


def _pick(tool: Tool) -> Run:
    return lambda context: context.session.view.set(tool=tool)


def _picked(tool: Tool) -> Ask:
    return lambda context: context.session.view.tool is tool


def _toggle(name: str) -> Run:
    return lambda context: context.session.view.set(**{name: not getattr(context.session.view, name)})


def _shown(name: str) -> Ask:
    return lambda context: bool(getattr(context.session.view, name))


def _scale_brush(factor: float) -> Run:
    def run(context: ActionContext) -> None:
        radius = context.session.view.brush_radius * factor
        context.session.view.set(brush_radius=round(min(max(radius, 0.5), 500.0), 1))

    return run


def _to_end(context: ActionContext) -> None:
    movie = context.session.movie
    if movie is not None:
        context.session.navigation.go_to(movie.info.sizes.t - 1)


def _step(count: int) -> Run:
    return lambda context: context.session.navigation.step(count)


def _lock(context: ActionContext) -> None:
    session = context.session
    ids = session.view.selection
    if session.movie is not None:
        session.editing.set_locked(ids, not all(session.movie.document.cell(i).locked for i in ids))


def _tool(tool: Tool, number: int, key: str, text: str, tip: str) -> ActionSpec:
    return ActionSpec(
        id=f"tool.{tool.value}",
        text=text,
        group=Group.TOOLS,
        run=_pick(tool),
        keys=(key, str(number)),
        icon=tool.value,
        tip=tip,
        checked=_picked(tool),
        exclusive="tool",
    )


def _on_canvas(action_id: str, text: str, run: Run, *keys: str, enabled: Ask = _prompted) -> ActionSpec:
    return ActionSpec(action_id, text, Group.POINTING, run, keys, where=Where.CANVAS, enabled=enabled)


def _on_cells(
    action_id: str, text: str, run: Run, *keys: str, enabled: Ask = _selected, icon: str = ""
) -> ActionSpec:
    return ActionSpec(action_id, text, Group.CELLS, run, keys, icon=icon, enabled=enabled)


def _on_frames(action_id: str, text: str, run: Run, *keys: str, enabled: Ask = _frames) -> ActionSpec:
    return ActionSpec(action_id, text, Group.FRAMES, run, keys, enabled=enabled)


def _on_file(action_id: str, text: str, run: Run, *keys: str, enabled: Ask = _open, icon: str = "") -> ActionSpec:
    return ActionSpec(action_id, text, Group.FILE, run, keys, icon=icon, enabled=enabled)


def _always(_: ActionContext) -> bool:
    return True


def _ids(context: ActionContext) -> tuple[int, ...]:
    return context.session.view.selection


_TOOLS = (
    _tool(Tool.POINT, 1, "Q", "Point", "Click a cell: left adds, right or Shift+left takes away"),
    _tool(Tool.BOX, 2, "W", "Box", "Drag a box around a cell"),
    _tool(Tool.BRUSH, 3, "B", "Brush", "Paint; under other cells, with Ctrl over them"),
    _tool(Tool.ERASER, 4, "E", "Eraser", "Erase from the mask"),
    _tool(Tool.LASSO, 5, "P", "Lasso", "Draw around an area"),
    _tool(Tool.SELECT, 6, "V", "Select", "Click a cell to select it, with Shift to add it"),
    ActionSpec("brush.smaller", "Smaller brush", Group.TOOLS, _scale_brush(1 / BRUSH_STEP), ("[",)),
    ActionSpec("brush.larger", "Larger brush", Group.TOOLS, _scale_brush(BRUSH_STEP), ("]",)),
)

_POINTING = (
    _on_canvas("prompt.accept", "Accept the proposal", lambda c: c.session.prompting.accept(), "F", "Return", "Enter"),
    _on_canvas(
        "prompt.accept_next",
        "Accept and begin the next cell",
        lambda c: c.session.prompting.accept(begin_next=True),
        "N",
    ),
    _on_canvas("prompt.next", "Next candidate", lambda c: c.session.prompting.cycle(1), "Tab", enabled=_proposed),
    _on_canvas(
        "prompt.previous", "Previous candidate", lambda c: c.session.prompting.cycle(-1), "Shift+Tab", enabled=_proposed
    ),
    _on_canvas("prompt.undo_last", "Remove the last prompt", lambda c: c.session.prompting.remove_last(), "Backspace"),
    _on_canvas("prompt.clear", "Clear the prompts", lambda c: c.session.prompting.clear(), "Esc"),
)

_CELLS = (
    _on_cells("edit.undo", "Undo", lambda c: c.session.undo(), "Ctrl+Z", enabled=_can_undo, icon="undo"),
    _on_cells("edit.redo", "Redo", lambda c: c.session.redo(), "Ctrl+Shift+Z", "Ctrl+Y", enabled=_can_redo, icon="redo"),
    _on_cells("cell.previous", "Previous cell", lambda c: c.session.editing.step_selection(-1), "PgUp", enabled=_cells),
    _on_cells("cell.next", "Next cell", lambda c: c.session.editing.step_selection(1), "PgDown", enabled=_cells),
    _on_cells("cell.find", "Find a cell…", lambda c: c.desk.find_cell(), "Ctrl+F", enabled=_cells),
    _on_cells("cell.refine", "Refine", lambda c: c.session.prompting.refine_selected(), "R"),
    _on_cells("cell.rename", "Rename…", lambda c: c.desk.rename_selected(), "F2"),
    _on_cells("cell.lock", "Lock or unlock", _lock, "Ctrl+L"),
    _on_cells("cell.hide", "Hide or show", lambda c: c.session.editing.toggle_visible(_ids(c)), "Ctrl+H"),
    _on_cells("cell.solo", "Show alone", lambda c: c.session.editing.toggle_solo(_ids(c)), "Ctrl+I"),
    _on_cells("shape.grow", "Grow", lambda c: c.session.editing.grow(), "+", "=", enabled=_shape),
    _on_cells("shape.shrink", "Shrink", lambda c: c.session.editing.shrink(), "-", enabled=_shape),
    _on_cells("shape.fill", "Fill holes", lambda c: c.session.editing.fill_holes(), "Shift+F", enabled=_shape),
    _on_cells(
        "shape.largest", "Keep the largest piece", lambda c: c.session.editing.keep_largest(), "Shift+K", enabled=_shape
    ),
    _on_cells("cell.delete", "Delete here", lambda c: c.session.editing.delete_here(), "Del"),
    _on_cells(
        "cell.delete_on", "Delete from here on", lambda c: c.session.editing.delete_from_here(), "Shift+Del"
    ),
)

_FRAMES = (
    _on_frames("frame.previous", "Previous frame", _step(-1), "Left", "A", ","),
    _on_frames("frame.next", "Next frame", _step(1), "Right", "D", "."),
    _on_frames("frame.back", "10 frames back", _step(-10), "Shift+Left"),
    _on_frames("frame.ahead", "10 frames ahead", _step(10), "Shift+Right"),
    _on_frames("frame.first", "First frame", lambda c: c.session.navigation.go_to(0), "Home"),
    _on_frames("frame.last", "Last frame", _to_end, "End"),
    _on_frames("frame.play", "Play or pause", lambda c: c.session.navigation.toggle_play(), "K"),
    ActionSpec(
        "depth.up", "Plane above", Group.FRAMES, lambda c: c.session.navigation.step_z(1), ("Up",),
        where=Where.CANVAS, enabled=_depth,
    ),
    ActionSpec(
        "depth.down", "Plane below", Group.FRAMES, lambda c: c.session.navigation.step_z(-1), ("Down",),
        where=Where.CANVAS, enabled=_depth,
    ),
)  # fmt: skip

_VIEW = (
    ActionSpec("view.fit", "Fit to window", Group.VIEW, lambda c: c.window.fit_view(), ("Ctrl+R",), "fit", enabled=_open),
    ActionSpec("view.zoom_in", "Zoom in", Group.VIEW, lambda c: c.window.zoom_by(1.25), ("Ctrl++", "Ctrl+="), enabled=_open),
    ActionSpec("view.zoom_out", "Zoom out", Group.VIEW, lambda c: c.window.zoom_by(0.8), ("Ctrl+-",), enabled=_open),
    ActionSpec("view.masks", "Masks", Group.VIEW, _toggle("show_masks"), ("X",), checked=_shown("show_masks")),
    ActionSpec("view.outlines", "Outlines", Group.VIEW, _toggle("show_outlines"), ("Z",), checked=_shown("show_outlines")),
    ActionSpec(
        "view.peek", "Hide everything while held", Group.VIEW, lambda c: c.session.view.set(hide_all=True), ("H",),
        where=Where.CANVAS, release=lambda c: c.session.view.set(hide_all=False),
    ),
    ActionSpec(
        "view.pan", "Move the view while held", Group.VIEW, lambda c: c.window.hold_pan(True), ("Space",),
        where=Where.CANVAS, release=lambda c: c.window.hold_pan(False),
    ),
    ActionSpec(
        "view.auto_contrast", "Auto contrast", Group.VIEW, lambda c: c.session.navigation.auto_contrast(), ("C",),
        icon="contrast", enabled=_open,
    ),
    ActionSpec(
        "view.show_all", "Show all cells", Group.VIEW,
        lambda c: c.session.view.set(hidden=frozenset(), solo=frozenset()), ("Ctrl+Shift+H",),
        enabled=lambda c: bool(c.session.view.hidden or c.session.view.solo),
    ),
)  # fmt: skip

_FILE = (
    _on_file("file.open", "Open…", lambda c: c.desk.open_movie(), "Ctrl+O", enabled=_always, icon="open"),
    _on_file("file.open_folder", "Open folder…", lambda c: c.desk.open_folder(), "Ctrl+Shift+O", enabled=_always),
    _on_file("file.sample", "Open the sample", lambda c: c.desk.open_sample(), enabled=_always),
    _on_file("file.save", "Save", lambda c: c.desk.save(), "Ctrl+S"),
    _on_file("file.save_as", "Save as…", lambda c: c.desk.save_as(), "Ctrl+Shift+S"),
    _on_file("file.axes", "Axes and scale…", lambda c: c.desk.axes(), "Ctrl+Shift+A"),
    _on_file("file.import_labels", "Import labels…", lambda c: c.desk.import_labels(), "Ctrl+Shift+I"),
    _on_file("file.export_labels", "Export labels…", lambda c: c.desk.export_labels(), "Ctrl+E", enabled=_cells),
    _on_file("file.export_table", "Export table…", lambda c: c.desk.export_table(), "Ctrl+Shift+E", enabled=_cells),
    _on_file("file.export_picture", "Export picture…", lambda c: c.desk.export_picture(), "Ctrl+Alt+E"),
    _on_file("file.close", "Close movie", lambda c: c.session.close_movie(), "Ctrl+W"),
    _on_file("file.preferences", "Preferences…", lambda c: c.desk.preferences(), "Ctrl+,", enabled=_always, icon="settings"),
    _on_file("file.quit", "Quit", lambda c: c.window.close(), "Ctrl+Q", enabled=_always),
)

_HELP = (
    ActionSpec("help.keys", "Shortcuts", Group.HELP, lambda c: c.desk.shortcuts(), ("F1", "?"), "keyboard"),
    ActionSpec("help.welcome", "Welcome", Group.HELP, lambda c: c.desk.welcome()),
    ActionSpec("help.about", "About CellSAM Desktop", Group.HELP, lambda c: c.desk.about()),
)

ACTIONS: tuple[ActionSpec, ...] = (*_TOOLS, *_POINTING, *_CELLS, *_FRAMES, *_VIEW, *_FILE, *_HELP)

GESTURES: tuple[tuple[Group, str, str], ...] = (
    (Group.POINTING, "Left click", "Add a positive point"),
    (Group.POINTING, "Right click or Shift+left click", "Add a negative point"),
    (Group.TOOLS, "Alt+drag", "Change the brush radius"),
    (Group.TOOLS, "Ctrl while painting", "Paint over other cells"),
    (Group.FRAMES, "Ctrl+wheel", "Previous, next frame"),
    (Group.VIEW, "Wheel", "Zoom at the mouse"),
    (Group.VIEW, "Middle drag", "Move the view"),
)
"""What the mouse does on the canvas, for the shortcut sheet."""

MENUS: tuple[Menu, ...] = (
    Menu("&File", (
        "file.open", "file.open_folder", RECENT, "file.sample", None,
        "file.save", "file.save_as", "file.close", None,
        "file.axes", "file.import_labels",
        Submenu("Export", ("file.export_labels", "file.export_table", "file.export_picture")), None,
        "file.preferences", None, "file.quit",
    )),
    Menu("&Edit", (
        "edit.undo", "edit.redo", None, "cell.find", "cell.previous", "cell.next", None,
        "cell.refine", "cell.rename", "cell.lock", "cell.hide", "cell.solo", None,
        "shape.grow", "shape.shrink", "shape.fill", "shape.largest", None,
        "cell.delete", "cell.delete_on",
    )),
    Menu("&Tools", (
        *(spec.id for spec in _TOOLS), None, *(spec.id for spec in _POINTING),
    )),
    Menu("&View", (
        "view.fit", "view.zoom_in", "view.zoom_out", None,
        "view.masks", "view.outlines", "view.show_all", "view.auto_contrast", None,
        "frame.previous", "frame.next", "frame.back", "frame.ahead", "frame.first", "frame.last", "frame.play", None,
        "depth.up", "depth.down",
    )),
    Menu("&Help", ("help.keys", "help.welcome", None, "help.about")),
)  # fmt: skip
