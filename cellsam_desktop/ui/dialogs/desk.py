"""What the window asks and tells through dialogs; actions come here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMainWindow

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.curation.formats import FORMATS
from cellsam_desktop.curation.session import Session
from cellsam_desktop.images.opening import FILE_FILTER
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.schema import SUFFIX
from cellsam_desktop.ui.action_spec import ActionContext
from cellsam_desktop.ui.action_table import ACTIONS
from cellsam_desktop.ui.actions import Actions
from cellsam_desktop.ui.dialogs.about import AboutDialog
from cellsam_desktop.ui.dialogs.axes import AxesDialog
from cellsam_desktop.ui.dialogs.decoders import DecodersDialog
from cellsam_desktop.ui.dialogs.find_cell import FindCellDialog
from cellsam_desktop.ui.dialogs.locate_movie import LocateMovieDialog
from cellsam_desktop.ui.dialogs.naming import NamingDialog
from cellsam_desktop.ui.dialogs.preferences import PreferencesDialog
from cellsam_desktop.ui.dialogs.propagate import PropagateDialog
from cellsam_desktop.ui.dialogs.shortcut_sheet import ShortcutSheet
from cellsam_desktop.ui.dialogs.welcome import WelcomeDialog
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.theme import Appearance

if TYPE_CHECKING:
    from cellsam_desktop.ui.action_spec import WindowCommands

_PROJECTS = f"Projects (*{SUFFIX})"
_TABLES = "Tables (*.csv);;Parquet tables (*.parquet)"
_LABELS = "Label images (*.tif *.tiff)"
_TRACKS = "Files with cells (*.xml *.csv *.tsv *.tif *.tiff res_track.txt man_track.txt)"
_PICTURES = "Pictures (*.png)"


class Desk(QObject):
    """Opens dialogs over the window and passes the answers on to the session.

    ``actions`` are the window's actions. ``sample_wanted`` asks for the sample movie.
    """

    sample_wanted = Signal()

    def __init__(self, window: QMainWindow, session: Session, appearance: Appearance) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._appearance = appearance
        self._open: dict[type[QDialog], QDialog] = {}
        self._commands: WindowCommands = window  # type: ignore[assignment]
        self.actions = Actions(ActionContext(session, self, self._commands), ACTIONS, window)
        listen(self, session.movie_missing, self.locate_movie)

    # -- movies and projects -------------------------------------------------------------------------

    def recent(self) -> list[Path]:
        """What was opened lately, newest first."""
        return [Path(name) for name in self._session.settings.recent]

    def open_movie(self) -> None:
        """Ask for a movie or project and open it."""
        everything = f"{FILE_FILTER};;{_PROJECTS};;All files (*)"
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a movie or project", self._folder(), everything
        )
        if name:
            self._session.open(Path(name))

    def open_folder(self) -> None:
        """Ask for a folder of numbered images and open it."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder of images", self._folder())
        if name:
            self._session.open(Path(name))

    def open_sample(self) -> None:
        """Open the sample movie."""
        self.sample_wanted.emit()

    def save(self) -> None:
        """Write what is not written yet; without a project file, ask where it shall be."""
        movie = self._session.movie
        if movie is None:
            return
        if movie.store is None:
            self.save_as()
        else:
            self._session.save()

    def save_as(self) -> None:
        """Ask for a project file and go on working there."""
        movie = self._session.movie
        if movie is not None:
            name, _ = QFileDialog.getSaveFileName(
                self._window, "Save the project as", str(movie.project_path), _PROJECTS
            )
            if name:
                self._session.exchange.save_as(Path(name))

    def locate_movie(self, project: Path, link: MovieLink) -> None:
        """The movie of a project is not where it was: ask for it."""
        dialog = LocateMovieDialog(project, link, self._window)
        dialog.located.connect(self._session.locate_movie)
        self._show(dialog)

    def axes(self) -> None:
        """Show and correct axes and scale."""
        if self._session.movie is not None:
            self._show(AxesDialog(self._session, self._window))

    # -- exchange ------------------------------------------------------------------------------------

    def import_labels(self) -> None:
        """Ask for a label image and add its labels as cells."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Import labels", self._folder(), _LABELS)
        if name:
            self._session.exchange.import_labels(Path(name))

    def import_tracks(self) -> None:
        """Ask for a file with cells and add them."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Import cells", self._folder(), _TRACKS)
        if name:
            self._session.exchange.import_tracks(Path(name))

    def import_folder(self) -> None:
        """Ask for a folder with cells, of the Cell Tracking Challenge or a GEFF, and add them."""
        title = "Import a folder of the Cell Tracking Challenge, or a GEFF"
        name = QFileDialog.getExistingDirectory(self._window, title, self._folder())
        if name:
            self._session.exchange.import_tracks(Path(name))

    def export_tracks(self, name: str) -> None:
        """Ask where to write all cells in one of ``formats.FORMATS``."""
        form = FORMATS[name]
        kinds = f"{form.title} (*{form.ending})" if form.ending else "Folders (*)"
        path = self._ask_export(f"Export: {form.title}", f"-tracks{form.ending}", kinds)
        if path is not None:
            self._session.exchange.export_tracks(path, name)

    def export_labels(self) -> None:
        """Ask where to write the label image."""
        path = self._ask_export("Export labels", "-labels.tif", _LABELS)
        if path is not None:
            self._session.exchange.export_labels(path)

    def export_table(self) -> None:
        """Ask where to write the table of everything measured."""
        path = self._ask_export("Export table", "-cells.csv", _TABLES)
        if path is not None:
            self._session.measuring.export(path)

    def export_picture(self) -> None:
        """Ask where to write a picture of the view."""
        picture = self._commands.picture()
        path = self._ask_export("Export picture", f"-{self._session.view.t + 1:04}.png", _PICTURES)
        if path is None:
            return
        session = self._session

        def write(_: object) -> Path:
            if not picture.save(str(path)):
                raise CellSamError(
                    f"The picture cannot be written to {path}: choose a folder you may write to."
                )
            return path

        session.jobs.runner.run(
            f"Exporting {path.name}",
            write,
            lambda written: session.notices.info(f"Picture written to {written}."),
            session.notices.failed,
        )

    # -- cells ---------------------------------------------------------------------------------------

    def find_cell(self) -> None:
        """Look for a cell by id or name."""
        self._show(FindCellDialog(self._session, self._window))

    def propagate(self) -> None:
        """Ask over which frames cells are to be carried."""
        if self._session.movie is not None:
            self._show(PropagateDialog(self._session, self._window))

    def name_cells(self) -> None:
        """Name founders and, by rule, their descendants."""
        if self._session.movie is not None:
            self._show(NamingDialog(self._session, self._window))

    def rename_selected(self) -> None:
        """Ask for a name of the last selected cell."""
        movie, selection = self._session.movie, self._session.view.selection
        if movie is None or not selection:
            return
        cell = movie.document.cell(selection[-1])
        dialog = QInputDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Rename")
        dialog.setLabelText(f"Name of cell {cell.id}")
        dialog.setTextValue(cell.name)
        dialog.textValueSelected.connect(lambda name: self._session.editing.rename(cell.id, name))
        dialog.open()

    # -- the decoder ---------------------------------------------------------------------------------

    def train(self) -> None:
        """Show the training dialog."""
        from cellsam_desktop.ui.dialogs.training import TrainingDialog  # with its plots

        if not self._raise(TrainingDialog):  # making one begins to count the data
            self._show(TrainingDialog(self._session, self._window))

    def decoders(self) -> None:
        """Show the decoders."""
        self._show(DecodersDialog(self._session, self._window))

    # -- the program ---------------------------------------------------------------------------------

    def preferences(self) -> None:
        """Show the preferences."""
        self._show(PreferencesDialog(self._session, self._appearance, self.actions, self._window))

    def shortcuts(self) -> None:
        """Show the shortcut sheet."""
        self._show(ShortcutSheet(self.actions, self._window))

    def welcome(self) -> None:
        """Show the first-start page."""
        dialog = WelcomeDialog(self.actions, self._window)
        dialog.sample_wanted.connect(self.open_sample)
        dialog.open_wanted.connect(self.open_movie)
        self._show(dialog)
        self._session.settings.welcomed = True

    def about(self) -> None:
        """Show version and licences."""
        self._show(AboutDialog(self._window))

    # -- helpers -------------------------------------------------------------------------------------

    def _show(self, dialog: QDialog) -> None:
        """Show a dialog without blocking; one of each kind at a time."""
        kind = type(dialog)
        if self._raise(kind):
            dialog.deleteLater()
            return
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.destroyed.connect(lambda: self._open.pop(kind, None))
        self._open[kind] = dialog
        dialog.show()

    def _raise(self, kind: type[QDialog]) -> bool:
        """Bring the dialog of this kind to the front, if there is one."""
        shown = self._open.get(kind)
        if shown is not None:
            shown.raise_()
            shown.activateWindow()
        return shown is not None

    def _folder(self) -> str:
        """Where a file dialog begins: beside what was opened last."""
        recent = self._session.settings.recent
        return str(Path(recent[0]).parent) if recent else str(Path.home())

    def _ask_export(self, title: str, ending: str, kinds: str) -> Path | None:
        movie = self._session.movie
        if movie is None:
            return None
        proposed = movie.project_path.with_name(movie.info.path.stem + ending)
        name, kind = QFileDialog.getSaveFileName(self._window, title, str(proposed), kinds)
        if not name:
            return None
        path, chosen = Path(name), re.search(r"\*(\.\w+)", kind)
        suffix = chosen[1] if chosen else Path(ending).suffix
        return path if path.suffix else path.with_name(path.name + suffix)
