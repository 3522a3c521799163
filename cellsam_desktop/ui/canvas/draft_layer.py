"""What is not accepted yet: the prompts, the proposal, and the mask under the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsItem

from cellsam_desktop.ui.canvas.mask_items import Look, MaskItem
from cellsam_desktop.ui.canvas.prompt_item import PromptItem
from cellsam_desktop.ui.palette import colour_of

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_LINE = QColor(255, 255, 255)
_HOVER_LINE = QColor(255, 255, 255, 190)
_GROUND = QColor(0, 0, 0, 150)


class DraftLayer:
    """Draws what ``Prompting`` holds, in the colour that the cell has or will have."""

    def __init__(self, session: Session, root: QGraphicsItem) -> None:
        self._session = session
        self.hover = MaskItem(root)
        self.proposal = MaskItem(root)
        self.prompts = PromptItem(root)

    def refresh(self) -> None:
        """Show prompts, proposal and hover as they are now."""
        session = self._session
        prompting, shown = session.prompting, not session.view.hide_all and session.movie is not None
        colour = QColor(*colour_of(self._future_id()))
        proposal = prompting.proposal.mask if shown and prompting.proposal is not None else None
        hover = prompting.hover.mask if shown and prompting.hover is not None else None
        self.proposal.show_mask(proposal, Look(_faint(colour, 130), _LINE, 1.8, _GROUND))
        strength = 40 if proposal is not None else 90
        self.hover.show_mask(hover, Look(_faint(colour, strength), _HOVER_LINE, 1.2, QColor(0, 0, 0, 110)))
        self.prompts.show_prompts(prompting.prompts)
        self.prompts.setVisible(shown)

    def _future_id(self) -> int:
        """The cell that accepting would make, or give a mask to."""
        session, movie = self._session, self._session.movie
        if session.prompting.target is not None:
            return session.prompting.target
        if movie is None:
            return 1
        chosen = session.view.selection
        fresh = session.prompting.prompts.empty and len(chosen) == 1
        if fresh and movie.document.record(chosen[0], session.view.key) is None:
            return chosen[0]
        return movie.document.next_id


def _faint(colour: QColor, alpha: int) -> QColor:
    faint = QColor(colour)
    faint.setAlpha(alpha)
    return faint
