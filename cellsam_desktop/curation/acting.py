"""One action of the curator on the document: done, or refused with the reason and a way on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from cellsam_desktop.core.edits import Edit
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.curation.notices import Offer

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

Make = Callable[[bool], list[Edit]]
"""The edits of an action on the document as it is now; the argument says whether to force it.

Raises ``EditRefused``, see ``core.track_edits``.
"""
Then = Callable[[list[Edit]], None]


def _nothing(_: list[Edit]) -> None:
    """Nothing more to do."""


class Acting:
    """Turns what an action makes into one transaction, and a refusal into a notice.

    The notice has a button for the forced version if that would succeed. It acts on the document as it is
    when the button is pressed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def do(self, name: str, make: Make, then: Then = _nothing) -> bool:
        """Commit an action under a name for undo and call ``then`` with its edits; False when refused.

        Nothing happens when there is nothing to change.
        """
        try:
            edits = make(False)
        except EditRefused as refusal:
            self._refuse(name, make, then, refusal)
            return False
        return self._commit(name, edits, then)

    def _refuse(self, name: str, make: Make, then: Then, refusal: EditRefused) -> None:
        notices, offer = self._session.notices, None
        if refusal.forceable:
            try:
                make(True)
            except EditRefused as final:
                notices.warning(str(final))
                return
            offer = Offer("Do it anyway", partial(self._force, name, make, then, self._session.movie))
        notices.warning(str(refusal), offer=offer)

    def _force(self, name: str, make: Make, then: Then, movie: object) -> None:
        if self._session.movie is not movie:
            return
        try:
            edits = make(True)
        except EditRefused as refusal:
            self._session.notices.warning(str(refusal))
            return
        self._commit(name, edits, then)

    def _commit(self, name: str, edits: list[Edit], then: Then) -> bool:
        done = bool(edits) and self._session.commit(name, edits)
        if done:
            then(edits)
        return done
