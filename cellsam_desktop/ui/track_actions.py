"""The actions on cells over time and on the review queue: part of the table of all actions."""

from __future__ import annotations

from cellsam_desktop.ui import action_rules as rules
from cellsam_desktop.ui import track_rules as tracks
from cellsam_desktop.ui.action_spec import ActionSpec, Ask, Group, Menu, Run


def _track(action_id: str, text: str, key: str, run: Run, when: Ask, tip: str = "") -> ActionSpec:
    return ActionSpec(action_id, text, Group.TRACKS, run, tuple(key.split()), tip=tip, enabled=when)


def _review(action_id: str, text: str, key: str, run: Run, when: Ask, tip: str = "") -> ActionSpec:
    return ActionSpec(action_id, text, Group.REVIEW, run, (key,), tip=tip, enabled=when)


PROPAGATION = (
    _track(
        "track.next",
        "Propagate to the next frame",
        "T",
        lambda c: c.session.propagating.to_next(),
        tracks.can_propagate,
        "Carry the selected cells, or all visible ones, to the next frame",
    ),
    _track(
        "track.end",
        "Propagate to the end",
        "Shift+T",
        lambda c: c.session.propagating.to_end(),
        tracks.can_propagate,
    ),
    _track(
        "track.previous",
        "Propagate to the previous frame",
        "Ctrl+Shift+T",
        lambda c: c.session.propagating.to_previous(),
        tracks.can_propagate,
    ),
    _track(
        "track.range", "Propagate over frames…", "Ctrl+T", lambda c: c.desk.propagate(), tracks.can_propagate
    ),
    ActionSpec(
        "track.cancel",
        "Cancel the propagation",
        Group.TRACKS,
        lambda c: c.session.propagating.cancel(),
        enabled=lambda c: c.session.propagating.running,
    ),
)

LINEAGE = (
    _track(
        "track.divide",
        "Divide",
        "Shift+D",
        lambda c: c.session.dividing.divide_selected(),
        tracks.can_divide,
        "Join the selected mother to the two selected daughters",
    ),
    _track("track.accept", "Accept the division", "Y", tracks.accept_division, tracks.has_proposal),
    _track("track.refuse", "Refuse the division", "Shift+Y", tracks.refuse_division, tracks.has_proposal),
    _track(
        "track.undivide",
        "Remove the division",
        "Ctrl+Shift+D",
        lambda c: c.session.tracks.undivide(),
        tracks.has_family,
        "The daughters stay, without a mother",
    ),
    _track(
        "track.name",
        "Name the cells of an embryo…",
        "",
        lambda c: c.desk.name_cells(),
        tracks.has_divisions,
        "Sulston's names from the founders and the axes of the embryo",
    ),
)

IDENTITY = (
    _track(
        "track.link",
        "Link",
        "L",
        lambda c: c.session.tracks.link(),
        tracks.has_two,
        "The later of two selected cells continues the earlier one",
    ),
    _track(
        "track.unlink",
        "Unlink here",
        "U",
        lambda c: c.session.tracks.unlink_here(),
        rules.has_selection,
        "From this frame on the selected cell is a new one",
    ),
    _track(
        "track.swap",
        "Swap from here on",
        "S",
        lambda c: c.session.tracks.swap_from_here(),
        tracks.has_two,
        "From this frame on two selected cells exchange their identities",
    ),
    _track(
        "track.merge",
        "Merge",
        "M",
        lambda c: c.session.tracks.merge(),
        tracks.has_several,
        "Make one cell of all selected ones",
    ),
    _track(
        "track.fill_gap",
        "Fill the gap",
        "I",
        lambda c: c.session.tracks.extend_into_gap(),
        rules.has_selection,
        "Masks between those before and after the frames where the selected cell is missing",
    ),
    _track(
        "track.relink",
        "Link anew from here",
        "Shift+L",
        lambda c: c.session.linking.relink_here(),
        tracks.can_link,
        "The selected cells and their neighbours, or all here, on this frame and the next few",
    ),
    _track(
        "track.link_all",
        "Link cells over time",
        "",
        lambda c: c.session.linking.link_all(),
        tracks.can_link,
        "All imported cells, or several selected ones, over the whole movie",
    ),
)

REVIEW = (
    _review(
        "review.next", "Next doubtful mask", "J", lambda c: c.session.reviewing.next(), tracks.has_doubts
    ),
    _review(
        "review.previous",
        "Previous doubtful mask",
        "Shift+J",
        lambda c: c.session.reviewing.previous(),
        tracks.has_doubts,
    ),
    _review(
        "review.seen",
        "Mark as seen, and go on",
        "G",
        lambda c: c.session.reviewing.mark_seen(),
        tracks.has_selection_here,
        "The selected masks are right; propagation will not change them",
    ),
    _review(
        "review.all_seen",
        "Mark all on this frame as seen",
        "Shift+G",
        tracks.mark_all_seen,
        tracks.has_masks_here,
    ),
    ActionSpec(
        "review.complete",
        "Frame is complete",
        Group.REVIEW,
        tracks.toggle_complete,
        ("Ctrl+G",),
        tip="Every cell on this frame has its mask: training takes all of it as the truth",
        enabled=rules.has_movie,
        checked=tracks.is_complete,
    ),
)

PLAYING = (
    ActionSpec("frame.slower", "Play slower", Group.FRAMES, tracks.slower, ("<",), enabled=rules.has_frames),
    ActionSpec("frame.faster", "Play faster", Group.FRAMES, tracks.faster, (">",), enabled=rules.has_frames),
)

ONION = ActionSpec(
    "view.onion",
    "Onion skin",
    Group.VIEW,
    rules.toggle("onion"),
    ("O",),
    tip="Outlines of the frame before",
    checked=rules.shown("onion"),
)

TRACK_ACTIONS: tuple[ActionSpec, ...] = (*PROPAGATION, *LINEAGE, *IDENTITY, *REVIEW)

TRACK_MENU = Menu(
    "T&rack",
    (
        *(spec.id for spec in PROPAGATION),
        None,
        *(spec.id for spec in LINEAGE),
        None,
        *(spec.id for spec in IDENTITY),
        None,
        *(spec.id for spec in REVIEW),
    ),
)
