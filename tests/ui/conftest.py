"""A session with real jobs (the encoder only where a test starts it), and movies made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QMainWindow, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.session import Jobs, Session
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.action_table import MENUS
from cellsam_desktop.ui.bridge import MainThreadPost
from cellsam_desktop.ui.canvas.canvas import Canvas
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.dialogs.preferences import PreferencesDialog
from cellsam_desktop.ui.theme import Appearance

HEIGHT, WIDTH = 60, 80


@pytest.fixture
def movie_file(tmp_path: Path) -> Path:
    """Four frames of 60 x 80 uint16: a ramp along x, brighter from frame to frame; 0.5 um per pixel."""
    ramp = np.broadcast_to(np.arange(WIDTH, dtype=np.uint16) * 100, (HEIGHT, WIDTH))
    movie = np.stack([ramp + 1000 * t for t in range(4)]).astype(np.uint16)
    path = tmp_path / "ramp.tif"
    tifffile.imwrite(
        path, movie, imagej=True, resolution=(2, 2), metadata={"axes": "TYX", "unit": "um", "finterval": 60}
    )
    return path


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    """A session whose encoder is not started."""
    post = MainThreadPost()
    settings = Settings(welcomed=True)
    session = Session(settings, post, jobs=Jobs.create(settings, post))
    yield session
    session.shutdown(discard_unsaved=True)
    post.close()


@pytest.fixture
def open_movie(session: Session, qtbot: QtBot) -> Callable[[Path], None]:
    """Opens a movie and waits until its first plane is there."""

    def open_it(path: Path) -> None:
        session.open(path)
        qtbot.waitUntil(lambda: session.movie is not None, timeout=15000)
        qtbot.waitUntil(lambda: session.navigation.plane is not None, timeout=15000)

    return open_it


@pytest.fixture
def canvas(session: Session, movie_file: Path, open_movie: Callable[[Path], None], qtbot: QtBot) -> Canvas:
    """A canvas of 800 x 600 with the movie of ``movie_file``, ten screen pixels per plane pixel."""
    canvas = Canvas(session)
    qtbot.addWidget(canvas)
    canvas.resize(WIDTH * 10, HEIGHT * 10)
    canvas.show()
    open_movie(movie_file)
    qtbot.waitExposed(canvas)
    canvas.set_visible(QRectF(-0.5, -0.5, WIDTH, HEIGHT))
    return canvas


@pytest.fixture
def put_cell(session: Session) -> Callable[..., int]:
    """Commits a rectangular cell: ``put_cell(y0, x0, height, width, t=0)`` returns its id."""

    def put(y0: int, x0: int, height: int, width: int, *, t: int = 0, cell_id: int | None = None) -> int:
        assert session.movie is not None
        document = session.movie.document
        mask = Mask.from_array(np.ones((height, width), bool), y0, x0)
        assert mask is not None
        chosen = document.next_id if cell_id is None else cell_id
        edits = [] if chosen in document else [AddCell(Cell(chosen))]
        assert session.commit("Put", [*edits, SetMask(chosen, PlaneKey(t), MaskRecord(mask, Source.BRUSH))])
        return chosen

    return put


class PlainWindow(QMainWindow):
    """What actions and dialogs need of a window, with a text field and without panels."""

    def __init__(self, session: Session, appearance: Appearance) -> None:
        super().__init__()
        self.calls: list[object] = []
        self.canvas = QWidget()
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.field = QLineEdit()
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.addWidget(self.canvas)
        column.addWidget(self.field)
        self.setCentralWidget(middle)
        self.desk = Desk(self, session, appearance)
        self.desk.actions.adopt_canvas(self.canvas)
        self.desk.actions.fill_menu_bar(self.menuBar(), MENUS)

    def fit_view(self) -> None:
        self.calls.append("fit")

    def zoom_by(self, factor: float) -> None:
        self.calls.append(factor)

    def hold_pan(self, on: bool) -> None:
        self.calls.append(("pan", on))

    def picture(self) -> QImage:
        picture = QImage(4, 4, QImage.Format.Format_RGB32)
        picture.fill(Qt.GlobalColor.red)
        return picture


@pytest.fixture
def appearance(qapp: QApplication) -> Iterator[Appearance]:
    """The light theme on the application."""
    appearance = Appearance(qapp, "light")
    yield appearance
    appearance.deleteLater()


@pytest.fixture
def ready(session: Session, open_movie: Callable[[Path], None], movie_file: Path) -> Session:
    """The session with the movie of ``movie_file`` open."""
    open_movie(movie_file)
    return session


@pytest.fixture
def window(ready: Session, appearance: Appearance, qtbot: QtBot) -> PlainWindow:
    """A window with actions and dialogs over ``ready``, the keyboard on its canvas."""
    window = PlainWindow(ready, appearance)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitActive(window)
    window.canvas.setFocus()
    return window


@pytest.fixture
def desk(window: PlainWindow) -> Desk:
    """The dialogs of ``window``."""
    return window.desk


@pytest.fixture
def shown() -> Callable[[type[QDialog]], Any]:
    """Gives the one visible dialog of a kind."""

    def find(kind: type[QDialog]) -> Any:
        dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]
        assert len(dialogs) == 1
        return dialogs[0]

    return find


@pytest.fixture
def preferences(desk: Desk, shown: Callable[[type[QDialog]], Any]) -> PreferencesDialog:
    """The preferences of ``window``, open."""
    desk.preferences()
    dialog: PreferencesDialog = shown(PreferencesDialog)
    return dialog
