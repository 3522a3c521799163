"""When an action makes sense, and what the less simple ones do."""

from __future__ import annotations

from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.ui.action_spec import ActionContext, Ask, Run

BRUSH_STEP = 1.25
"""Factor by which the keys change the brush radius."""


def always(_: ActionContext) -> bool:
    """At any time."""
    return True


def has_movie(context: ActionContext) -> bool:
    """A movie is open."""
    return context.session.movie is not None


def has_cells(context: ActionContext) -> bool:
    """The open movie has cells."""
    movie = context.session.movie
    return movie is not None and len(movie.document) > 0


def has_selection(context: ActionContext) -> bool:
    """Cells are selected."""
    return has_movie(context) and bool(context.session.view.selection)


def has_proposal(context: ActionContext) -> bool:
    """The decoder offers a mask."""
    return context.session.prompting.proposal is not None


def has_prompts(context: ActionContext) -> bool:
    """There is something to accept, to take back or to clear."""
    return not context.session.prompting.prompts.empty or has_proposal(context)


def can_clear(context: ActionContext) -> bool:
    """There is a drag, a division begun by one, prompts to drop, or a propagation to cancel."""
    session = context.session
    begun = session.tools.dragging or session.dividing.begun
    return begun or has_prompts(context) or session.propagating.running


def clear(context: ActionContext) -> None:
    """Drop the drag under way, or the prompts and a division begun by drags, or else cancel propagation."""
    session = context.session
    if session.tools.cancel():
        return
    begun = session.dividing.cancel()
    if has_prompts(context):
        session.prompting.clear()
    elif not begun:
        session.propagating.cancel()


def can_reshape(context: ActionContext) -> bool:
    """There is a mask to grow or shrink."""
    return has_proposal(context) or has_selection(context)


def has_frames(context: ActionContext) -> bool:
    """The movie has more than one frame."""
    movie = context.session.movie
    return movie is not None and movie.info.sizes.t > 1


def has_depth(context: ActionContext) -> bool:
    """The movie has more than one z position."""
    movie = context.session.movie
    return movie is not None and movie.info.sizes.z > 1


def can_undo(context: ActionContext) -> bool:
    """Something was done."""
    movie = context.session.movie
    return movie is not None and movie.history.undo_name is not None


def can_redo(context: ActionContext) -> bool:
    """Something was taken back."""
    movie = context.session.movie
    return movie is not None and movie.history.redo_name is not None


def has_hidden(context: ActionContext) -> bool:
    """Some cells are not shown."""
    return bool(context.session.view.hidden or context.session.view.solo)


def pick(tool: Tool) -> Run:
    """Take a tool."""
    return lambda context: context.session.view.set(tool=tool)


def picked(tool: Tool) -> Ask:
    """Whether a tool is the one in use."""
    return lambda context: context.session.view.tool is tool


def colour_by(by: ColourBy) -> Run:
    """Let the colours of cells tell this."""
    return lambda context: context.session.view.set(colour_by=by)


def coloured_by(by: ColourBy) -> Ask:
    """Whether this is what the colours of cells tell."""
    return lambda context: context.session.view.colour_by is by


def toggle(name: str) -> Run:
    """Turn a switch of the view."""
    return lambda context: context.session.view.set(**{name: not getattr(context.session.view, name)})


def shown(name: str) -> Ask:
    """Whether a switch of the view is on."""
    return lambda context: bool(getattr(context.session.view, name))


def scale_brush(factor: float) -> Run:
    """Make the brush larger or smaller, within 0.5 to 500 pixels."""

    def run(context: ActionContext) -> None:
        radius = context.session.view.brush_radius * factor
        context.session.view.set(brush_radius=round(min(max(radius, 0.5), 500.0), 1))

    return run


def step(frames: int) -> Run:
    """Go some frames on or back."""
    return lambda context: context.session.navigation.step(frames)


def to_last_frame(context: ActionContext) -> None:
    """Go to the end of the movie."""
    movie = context.session.movie
    if movie is not None:
        context.session.navigation.go_to(movie.info.sizes.t - 1)


def toggle_lock(context: ActionContext) -> None:
    """Lock the selected cells, or unlock them when all are locked."""
    session, ids = context.session, context.session.view.selection
    if session.movie is not None:
        document = session.movie.document
        session.editing.set_locked(ids, not all(document.cell(i).locked for i in ids))


def toggle_visible(context: ActionContext) -> None:
    """Hide the selected cells, or show them."""
    context.session.editing.toggle_visible(context.session.view.selection)


def toggle_solo(context: ActionContext) -> None:
    """Show only the selected cells, or all again."""
    context.session.editing.toggle_solo(context.session.view.selection)


def show_all(context: ActionContext) -> None:
    """Show every cell."""
    context.session.view.set(hidden=frozenset(), solo=frozenset())


def accept_and_begin(context: ActionContext) -> None:
    """Accept the proposal; the next click is a new cell."""
    context.session.prompting.accept(begin_next=True)


def cycle(count: int) -> Run:
    """Choose another candidate."""
    return lambda context: context.session.prompting.cycle(count)


def reference_mode(context: ActionContext) -> bool:
    """Whether the model is asked as its authors do."""
    return context.session.settings.reference_mode


def toggle_reference_mode(context: ActionContext) -> None:
    """Look closer and rank candidates by what is known, or not."""
    context.session.questions.set_reference_mode(not reference_mode(context))


def step_selection(count: int) -> Run:
    """Select another cell of this plane."""
    return lambda context: context.session.editing.step_selection(count)


def keep_largest(context: ActionContext) -> None:
    """Drop the smaller pieces of a mask."""
    context.session.editing.keep_largest()


def delete_from_here(context: ActionContext) -> None:
    """Delete the selected cells' masks from this frame on."""
    context.session.editing.delete_from_here()


def auto_contrast(context: ActionContext) -> None:
    """The range measured over the whole movie."""
    context.session.navigation.auto_contrast()


def export(name: str) -> Run:
    """Write all cells in a format."""
    return lambda context: context.desk.export_tracks(name)


def hide_all(on: bool) -> Run:
    """Hide masks, outlines and paths, or show them again."""
    return lambda context: context.session.view.set(hide_all=on)


def hold_pan(on: bool) -> Run:
    """Let the left button move the view, or give it back to the tool."""
    return lambda context: context.window.hold_pan(on)
