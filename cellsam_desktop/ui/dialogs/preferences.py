"""The preferences; everything takes effect at once, and is kept when the dialog closes."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QSlider,
    QTabWidget,
    QWidget,
)

from cellsam_desktop.core.devices import EXACT_CUDA
from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.curation.session import Session
from cellsam_desktop.settings import PLAY_FPS
from cellsam_desktop.ui.actions import Actions
from cellsam_desktop.ui.dialogs.cache_field import CacheField
from cellsam_desktop.ui.dialogs.frame import Dialog, form_layout
from cellsam_desktop.ui.dialogs.model_choice import ModelChoice
from cellsam_desktop.ui.dialogs.shortcut_editor import ShortcutEditor
from cellsam_desktop.ui.panels.fields import number_field
from cellsam_desktop.ui.panels.labels import styled
from cellsam_desktop.ui.theme import SPACE, WIDE, Appearance

THEMES = (("system", "Like the system"), ("light", "Light"), ("dark", "Dark"))
DEVICES = (
    ("auto", "Automatic"),
    ("cpu", "CPU"),
    ("cuda", "NVIDIA GPU (CUDA)"),
    (EXACT_CUDA, "NVIDIA GPU (CUDA), float32 throughout"),
    ("mps", "Apple GPU (MPS)"),
)


class PreferencesDialog(Dialog):
    """Two pages: general, and shortcuts."""

    def __init__(
        self, session: Session, appearance: Appearance, actions: Actions, parent: QWidget | None = None
    ) -> None:
        super().__init__("Preferences", parent)
        self._session = session
        self._settings = session.settings
        self._appearance = appearance
        self._actions = actions
        self.theme = _choice(THEMES, self._settings.theme)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.trail = number_field(0, 1000, 0, " frames")
        self.fps = number_field(*PLAY_FPS, 1, " frames per second")
        self.model = ModelChoice(session)
        self.device = _choice(DEVICES, self._settings.device)
        self.cache = CacheField(session)
        self.shortcuts = ShortcutEditor(actions.specs, self._settings.shortcuts)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._general(), "General")
        self.tabs.addTab(self.shortcuts, "Shortcuts")
        self.column.addWidget(self.tabs)
        self.add_buttons(cancel="Close")
        self.setMinimumWidth(600)
        self._set_up()
        self._connect()

    def _general(self) -> QWidget:
        page = QWidget()
        form = form_layout()
        form.setContentsMargins(0, WIDE, 0, 0)
        page.setLayout(form)
        form.addRow(_heading("Looks"))
        form.addRow("Theme", self.theme)
        form.addRow("Opacity of masks", self.opacity)
        form.addRow("Path behind each cell", self.trail)
        form.addRow("Speed of play", self.fps)
        form.addRow(_heading("Model"))
        form.addRow("Model", self.model)
        form.addRow("The encoder runs on", self.device)
        form.addRow("Cache of embeddings", self.cache)
        return page

    def _set_up(self) -> None:
        self.opacity.setRange(0, 100)
        self.opacity.setValue(round(self._session.view.opacity * 100))
        self.trail.setValue(self._session.view.trail)
        self.fps.setValue(self._settings.play_fps)

    def _connect(self) -> None:
        session = self._session
        self.theme.currentIndexChanged.connect(self._set_theme)
        self.opacity.valueChanged.connect(lambda value: session.editing.set_opacity(value / 100))
        self.trail.valueChanged.connect(lambda value: session.view.set(trail=round(value)))
        self.fps.valueChanged.connect(session.navigation.set_rate)
        self.device.currentIndexChanged.connect(self._set_device)
        self.shortcuts.changed.connect(self._set_shortcuts)
        self.finished.connect(self._keep)

    def _set_theme(self) -> None:
        self._settings.theme = self.theme.currentData()
        self._appearance.choose(self._settings.theme)

    def _set_device(self) -> None:
        self._settings.device = self.device.currentData()
        self._session.jobs.encoder.set_device(self._settings.device)

    def _set_shortcuts(self) -> None:
        self._settings.shortcuts = dict(self.shortcuts.overrides)
        self._actions.rebind(self._settings.shortcuts)

    def _keep(self) -> None:
        """Write the settings."""
        self._settings.opacity = self._session.view.opacity
        self._settings.trail_frames = self._session.view.trail
        try:
            self._settings.save()
        except CellSamError as error:
            self._session.notices.warning(str(error))


def _choice(options: tuple[tuple[str, str], ...], chosen: str) -> QComboBox:
    box = QComboBox()
    for value, text in options:
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    return box


def _heading(text: str) -> QLabel:
    label = styled("heading", text)
    label.setContentsMargins(0, SPACE, 0, 0)
    return label
