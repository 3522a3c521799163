"""Choosing the model, and fetching one that is not installed yet."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.curation.session import Session
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.sam.known_models import ModelSpec
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.theme import SPACE, TIGHT


class ModelChoice(QWidget):
    """An installed model is used as soon as it is chosen; any other can be fetched first."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._registry = ModelRegistry()
        self.models = QComboBox()
        self.fetch = QPushButton("Fetch")
        self.note = muted()
        self.note.setWordWrap(True)
        for spec in self._registry.specs():
            self.models.addItem(f"{spec.title}  ({spec.name})", spec)
        names = [self.models.itemData(i).name for i in range(self.models.count())]
        self.models.setCurrentIndex(
            names.index(session.settings.model) if session.settings.model in names else 0
        )
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self.models, 1)
        row.addWidget(self.fetch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(TIGHT)
        column.addLayout(row)
        column.addWidget(self.note)
        self.models.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.models.currentIndexChanged.connect(self._on_choice)
        self.fetch.clicked.connect(self._fetch)
        self._show()

    @property
    def spec(self) -> ModelSpec:
        """The chosen model."""
        spec: ModelSpec = self.models.currentData()
        return spec

    def _on_choice(self) -> None:
        if self._registry.path(self.spec.name) is not None and self.spec.name != self._session.settings.model:
            self._session.encoding.set_model(self.spec.name)
        self._show()

    def _show(self) -> None:
        installed = self._registry.path(self.spec.name) is not None
        self.fetch.setVisible(not installed)
        size = "" if self.spec.size is None else f", {self.spec.size / 1e6:.0f} MB"
        state = "Installed" if installed else "Not installed"
        self.note.setText(f"{state}{size}. Licence: {self.spec.licence}.")

    def _fetch(self) -> None:
        """Fetch the chosen model in the background; it is used when it has come."""
        session, spec, registry = self._session, self.spec, self._registry

        def done(_: Path) -> None:
            session.notices.info(f"The model {spec.name} is installed and in use.")
            session.encoding.set_model(spec.name)
            self._show_again()

        def failed(error: CellSamError) -> None:
            session.notices.failed(error)
            self._show_again()

        session.jobs.runner.run(f"Fetching {spec.name}", partial(_work, spec, registry), done, failed)
        self.fetch.setEnabled(False)
        self.note.setText("On its way: the bar at the bottom of the window shows how far.")

    def _show_again(self) -> None:
        if isValid(self):  # the dialog may be closed by now
            self.fetch.setEnabled(True)
            self._show()


def _work(spec: ModelSpec, registry: ModelRegistry, progress: Progress) -> Path:
    def report(done: int, total: int | None) -> None:
        progress(done / total if total else 0.0, f"{done / 1e6:.0f} MB")

    from cellsam_desktop.sam.fetch import fetch  # with all it takes to download

    return fetch(spec, registry, progress=report)
