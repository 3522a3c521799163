"""Which of several requests is worth answering: the newest, and a click before a hover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ticket(Generic[T]):
    """A request with its place in the order of submission."""

    number: int
    hover: bool
    request: T


class RequestBox(Generic[T]):
    """Room for one waiting click and one waiting hover; not thread-safe by itself.

    - A new click drops a waiting click and a waiting hover.
    - A new hover drops a waiting hover, never a click.
    - An answer given in parts is not finished when a newer click was asked, or a newer hover follows a hover:
      see ``is_overtaken``.
    - An answer is stale when a newer click was asked, or when the answer to a newer hover is there already.
      The answer to a hover is not stale merely because the mouse moved on meanwhile: if it were, no mask
      would show while the mouse moves faster than masks can be computed.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._count = 0
        self._click: Ticket[T] | None = None
        self._hover: Ticket[T] | None = None
        self._newest_click = -1
        self._newest_hover_answer = -1

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return self._click is None and self._hover is None

    @property
    def only_hover(self) -> bool:
        """Whether a hover waits, and no click."""
        return self._click is None and self._hover is not None

    def put(self, request: T, *, hover: bool) -> None:
        """Submit a request."""
        ticket = Ticket(self._count, hover, request)
        self._count += 1
        self.dropped += self._hover is not None
        if hover:
            self._hover = ticket
            return
        self.dropped += self._click is not None
        self._click, self._hover = ticket, None
        self._newest_click = ticket.number

    def take(self) -> Ticket[T] | None:
        """The waiting request to begin next, if any; a click is always older than a waiting hover."""
        if self._click is not None:
            click, self._click = self._click, None
            return click
        hover, self._hover = self._hover, None
        return hover

    def answered(self, ticket: Ticket[T]) -> None:
        """Note that the answer to ``ticket`` is there and about to be delivered."""
        if ticket.hover:
            self._newest_hover_answer = max(self._newest_hover_answer, ticket.number)

    def is_overtaken(self, ticket: Ticket[T]) -> bool:
        """Whether a newer request makes the rest of the answer to ``ticket`` pointless.

        A hover after a click waits until the click is answered wholly: that answer stays on the screen.
        """
        return self._newest_click > ticket.number or (ticket.hover and self._hover is not None)

    def is_stale(self, ticket: Ticket[T]) -> bool:
        """Whether the answer to ``ticket`` must not be delivered any more."""
        if self._newest_click > ticket.number:
            return True
        return ticket.hover and self._newest_hover_answer > ticket.number
