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
    """An installed model is used as soon as it is chosen; any other can be fetched first.

    Which models there are, and which of them are here, is read in the background.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._installed: set[str] = set()
        self.models = QComboBox()
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.models.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.fetch = QPushButton("Fetch")
        self.fetch.hide()
        self.note = muted()
        self.note.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self.models, 1)
        row.addWidget(self.fetch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(TIGHT)
        column.addLayout(row)
        column.addWidget(self.note)
        self.models.currentIndexChanged.connect(self._on_choice)
        self.fetch.clicked.connect(self._fetch)
        session.jobs.runner.run("Reading the models", _found, self._list, session.notices.failed)

    @property
    def spec(self) -> ModelSpec | None:
        """The chosen model, None until the models were read."""
        spec: ModelSpec | None = self.models.currentData()
        return spec

    def _list(self, found: list[tuple[ModelSpec, bool]]) -> None:
        if not isValid(self):  # the dialog may be closed by now
            return
        self._installed = {spec.name for spec, here in found if here}
        self.models.blockSignals(True)
        for spec, _ in found:
            self.models.addItem(f"{spec.title}  ({spec.name})", spec)
            if spec.name == self._session.settings.model:
                self.models.setCurrentIndex(self.models.count() - 1)
        self.models.blockSignals(False)
        self._show()

    def _on_choice(self) -> None:
        spec = self.spec
        if spec is not None and spec.name in self._installed and spec.name != self._session.settings.model:
            self._session.encoding.set_model(spec.name)
        self._show()

    def _show(self) -> None:
        spec = self.spec
        if spec is None:
            return
        installed = spec.name in self._installed
        self.fetch.setVisible(not installed)
        size = "" if spec.size is None else f", {spec.size / 1e6:.0f} MB"
        state = "Installed" if installed else "Not installed"
        self.note.setText(f"{state}{size}. Licence: {spec.licence}.")

    def _fetch(self) -> None:
        """Fetch the chosen model in the background; it is used when it has come."""
        session, spec = self._session, self.spec
        assert spec is not None, "the button shows with a model"

        def done(_: Path) -> None:
            self._installed.add(spec.name)
            session.notices.info(f"The model {spec.name} is installed and in use.")
            session.encoding.set_model(spec.name)
            self._show_again()

        def failed(error: CellSamError) -> None:
            session.notices.failed(error)
            self._show_again()

        session.jobs.runner.run(f"Fetching {spec.name}", partial(_work, spec), done, failed)
        self.fetch.setEnabled(False)
        self.note.setText("On its way: the bar at the bottom of the window shows how far.")

    def _show_again(self) -> None:
        if isValid(self):  # the dialog may be closed by now
            self.fetch.setEnabled(True)
            self._show()


def _found(_: Progress) -> list[tuple[ModelSpec, bool]]:
    """All models, each with whether it is on this computer."""
    registry = ModelRegistry()
    return [(spec, registry.found(spec) is not None) for spec in registry.specs()]


def _work(spec: ModelSpec, progress: Progress) -> Path:
    def report(done: int, total: int | None) -> None:
        progress(done / total if total else 0.0, f"{done / 1e6:.0f} MB")

    from cellsam_desktop.sam.fetch import fetch  # with all it takes to download

    return fetch(spec, ModelRegistry(), progress=report)
