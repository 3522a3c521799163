"""The errors a user can act on.

``str(error)`` is always one full sentence that names the file or thing concerned and the remedy,
ready to be shown in the window or printed on stderr. The technical cause travels as ``__cause__``.
"""


class CellSamError(Exception):
    """Base of every error whose sentence is meant for the user."""


class ImageError(CellSamError):
    """An image or movie cannot be opened or read."""


class ModelError(CellSamError):
    """A model cannot be found, fetched, verified, loaded or exported."""


class PromptError(CellSamError):
    """A prompt is malformed or lies outside the image."""


class ProjectError(CellSamError):
    """A project file cannot be opened, written, locked or migrated."""


class ExchangeError(CellSamError):
    """Labels or tables cannot be imported or exported."""


class WorkerError(CellSamError):
    """The encoder worker cannot start or has failed."""


class Cancelled(CellSamError):
    """The user cancelled a job; nothing went wrong."""


class EditRefused(CellSamError):
    """An edit would break a rule of the document, so nothing was changed.

    ``forceable`` says that a forced version of the same action makes sense; the caller decides
    whether to ask the user.
    """

    def __init__(self, sentence: str, *, forceable: bool = False) -> None:
        super().__init__(sentence)
        self.forceable = forceable
