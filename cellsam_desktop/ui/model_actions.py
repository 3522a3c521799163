"""The actions on the decoder: part of the table of all actions."""

from __future__ import annotations

from cellsam_desktop.ui.action_spec import ActionContext, ActionSpec, Group, Menu


def can_roll_back(context: ActionContext) -> bool:
    """Another decoder was in use before."""
    return context.session.decoders.can_roll_back


MODEL_ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "model.train",
        "Train the decoder…",
        Group.MODEL,
        lambda context: context.desk.train(),
        ("F5",),
        tip="Let the decoder learn from what was curated, while curating goes on",
    ),
    ActionSpec(
        "model.decoders",
        "Decoders…",
        Group.MODEL,
        lambda context: context.desk.decoders(),
        ("F6",),
        tip="List, compare, choose, rename and export trained decoders",
    ),
    ActionSpec(
        "model.roll_back",
        "Back to the decoder before",
        Group.MODEL,
        lambda context: context.session.decoders.roll_back(),
        ("Shift+F6",),
        enabled=can_roll_back,
    ),
)

MODEL_MENU = Menu("&Model", tuple(spec.id for spec in MODEL_ACTIONS))
