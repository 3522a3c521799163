"""The events of training and where they go: to a person as text, or to a window as lines of JSON.

Their form is ``cellsam_desktop.core.training_messages``, which the window knows as well.
"""

from __future__ import annotations

from cellsam_desktop.core.decoder_scores import KindScores, Scores
from cellsam_desktop.core.training_messages import (
    Control,
    Embedded,
    Event,
    Failed,
    Finished,
    Judged,
    Noticed,
    Pictured,
    Planned,
    Stepped,
    Validated,
    from_line,
    to_line,
)

__all__ = [
    "Control",
    "Embedded",
    "Event",
    "Failed",
    "Finished",
    "Judged",
    "KindScores",
    "Noticed",
    "Pictured",
    "Planned",
    "Scores",
    "Stepped",
    "Validated",
    "from_line",
    "to_line",
]
