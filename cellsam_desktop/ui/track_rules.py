"""When the actions on cells over time and on the review queue make sense, and what they do."""

from __future__ import annotations

from cellsam_desktop.curation.propagating import Propagating
from cellsam_desktop.curation.reviewing import Reviewing
from cellsam_desktop.settings import PLAY_FPS
from cellsam_desktop.ui.action_rules import has_frames
from cellsam_desktop.ui.action_spec import ActionContext

_PLAY_STEP = 1.5


def propagating(context: ActionContext) -> Propagating:
    """Carrying cells through time."""
    return context.session.propagating


def reviewing(context: ActionContext) -> Reviewing:
    """The review queue."""
    return context.session.reviewing


def can_propagate(context: ActionContext) -> bool:
    """There are cells here, and frames to carry them to."""
    movie, view = context.session.movie, context.session.view
    return (
        movie is not None
        and has_frames(context)
        and not propagating(context).running
        and movie.document.count_on(view.key) > 0
    )


def can_link(context: ActionContext) -> bool:
    """There are cells, and frames to link them over."""
    return context.session.linking.can_link


def has_doubts(context: ActionContext) -> bool:
    """The review queue is not empty."""
    return bool(reviewing(context).count)


def has_masks_here(context: ActionContext) -> bool:
    """There is a mask on the frame on screen."""
    movie = context.session.movie
    return movie is not None and movie.document.count_on(context.session.view.key) > 0


def has_selection_here(context: ActionContext) -> bool:
    """A selected cell has a mask on the frame on screen."""
    movie, view = context.session.movie, context.session.view
    return movie is not None and any(movie.document.record(i, view.key) is not None for i in view.selection)


def has_proposal(context: ActionContext) -> bool:
    """A division is proposed on the frame on screen."""
    return reviewing(context).proposal is not None


def mark_all_seen(context: ActionContext) -> None:
    """Every visible mask of the frame is right."""
    reviewing(context).mark_seen(everything=True)


def is_complete(context: ActionContext) -> bool:
    """Every cell on the plane on screen is said to have its mask."""
    movie = context.session.movie
    return movie is not None and movie.document.is_complete(context.session.view.key)


def toggle_complete(context: ActionContext) -> None:
    """Every cell on the plane on screen has its mask, or not."""
    context.session.editing.toggle_complete()


def accept_division(context: ActionContext) -> None:
    """The proposed division is right."""
    reviewing(context).accept_division()


def refuse_division(context: ActionContext) -> None:
    """There is no division."""
    reviewing(context).refuse_division()


def can_divide(context: ActionContext) -> bool:
    """Two or three cells are selected."""
    return context.session.dividing.possible


def has_two(context: ActionContext) -> bool:
    """Two cells are selected."""
    return context.session.tracks.count == 2


def has_several(context: ActionContext) -> bool:
    """Two cells or more are selected."""
    return context.session.tracks.count >= 2


def has_divisions(context: ActionContext) -> bool:
    """Some cell divides."""
    movie = context.session.movie
    return movie is not None and movie.document.lineage.count > 0


def has_family(context: ActionContext) -> bool:
    """A selected cell is a mother or a daughter."""
    movie, selection = context.session.movie, context.session.view.selection
    if movie is None:
        return False
    lineage = movie.document.lineage
    return any(lineage.daughters(i) is not None or lineage.mother(i) is not None for i in selection)


def faster(context: ActionContext) -> None:
    """Play half as fast again."""
    _scale_rate(context, _PLAY_STEP)


def slower(context: ActionContext) -> None:
    """Play slower."""
    _scale_rate(context, 1 / _PLAY_STEP)


def _scale_rate(context: ActionContext, factor: float) -> None:
    slowest, fastest = PLAY_FPS
    fps = round(context.session.settings.play_fps * factor, 1)  # as the fields show it
    context.session.navigation.set_rate(min(max(fps, slowest), fastest))
