"""The lineage laid out, kept in step with the document while somebody looks at it."""

from __future__ import annotations

from time import perf_counter

from PySide6.QtCore import QObject, QTimer, Signal

from cellsam_desktop.analysis.forest import NO_FOREST, Forest, layout
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.listening import listen

_SLICE_S = 0.006
"""The cells of a large project are read in events of about this length."""


class LineageModel(QObject):
    """``changed`` gives another ``forest``, at most once per turn of the event loop; ``layouts`` counts them.

    While not ``awake`` nothing is read. ``read`` counts the cells whose frames were looked up: all of them
    once, later those that a transaction touched. ``alone`` is the cell whose lineage is shown without the
    others, None to show all.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.forest: Forest = NO_FOREST
        self.layouts = self.read = 0
        self._alone: int | None = None
        self._awake = False
        self._spans: dict[int, tuple[int, int]] = {}
        self._unread: list[int] = []
        self._outdated = True
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._work)
        listen(self, session.movie_changed, self._on_movie)
        listen(self, session.document_changed, self._on_document)
        self._on_movie()

    @property
    def document(self) -> Document | None:
        """The document shown."""
        return None if self._session.movie is None else self._session.movie.document

    @property
    def alone(self) -> int | None:
        """A cell of the one lineage shown, None while all are."""
        return self._alone

    @property
    def pending(self) -> bool:
        """Whether the document has changed in a way that may lead to another forest in a moment."""
        return self._soon.isActive()

    def wake(self, awake: bool) -> None:
        """Somebody looks, or nobody does."""
        self._awake = awake
        self._ask()

    def show_alone(self, cell_id: int | None) -> None:
        """Show the lineage of this cell only, or (None) all."""
        if cell_id != self._alone:
            self._alone = cell_id
            self._outdated = True
            self._ask()

    def _on_movie(self) -> None:
        document = self.document
        self._alone, self._spans = None, {}
        self._unread = [] if document is None else document.cell_ids
        self._outdated = True
        self._ask()

    def _on_document(self, changes: ChangeSet) -> None:
        document = self.document
        if document is None:
            return
        gone = [i for i in changes.touched_cells if i in self._spans and i not in document]
        for cell_id in gone:
            del self._spans[cell_id]
        self._unread += [i for i in changes.cells | changes.places.keys() if i in document]
        self._outdated = self._outdated or bool(changes.lineage) or bool(gone)
        self._ask()

    def _ask(self) -> None:
        if self._awake and (self._outdated or self._unread):
            self._soon.start()

    def _work(self) -> None:
        document, end = self.document, perf_counter() + _SLICE_S
        while document is not None and self._unread:
            self._read(document, self._unread.pop())
            if self._unread and perf_counter() > end:
                self._soon.start()
                return
        if self._outdated:
            self._lay_out(document)

    def _read(self, document: Document, cell_id: int) -> None:
        self.read += 1
        span = document.span(cell_id) if cell_id in document else None
        if span != self._spans.get(cell_id):
            self._outdated = True
            if span is None:
                del self._spans[cell_id]
            else:
                self._spans[cell_id] = span

    def _lay_out(self, document: Document | None) -> None:
        self._outdated = False
        self.layouts += 1
        divisions = () if document is None else document.lineage.divisions()
        self.forest = layout(self._spans, divisions)
        at = None if self._alone is None else self.forest.index(self._alone)
        if at is None:
            self._alone = None
        else:
            assert document is not None
            kept = self.forest.ids[self.forest.lineage(at)].tolist()
            self.forest = layout({i: self._spans[i] for i in kept}, document.lineage.divisions())
        self.changed.emit()
