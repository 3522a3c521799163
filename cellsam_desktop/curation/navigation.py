"""Which plane is on screen, its pixels, playing, and contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.contrast import Contrast

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

Plane = np.ndarray[Any, np.dtype[Any]]

# So many planes ahead are read while the curator looks at one.
_PREFETCH = 4


class Navigation:
    """Moves through the movie.

    ``plane`` are the pixels, (Y, X) or (Y, X, 3), of ``plane_index``, the last plane that could be read;
    it lags behind ``view.index`` while the current one is being read. ``plane_changed`` is emitted when
    the pixels of the current plane are there, or when it turned out that they cannot be read (None).
    ``contrast_settled`` names a channel whose range has been chosen, not merely tried on the slider,
    ``rate_changed`` gives the frames per second.
    """

    plane_changed = Signal()
    playing_changed = Signal(bool)
    rate_changed = Signal(float)
    contrast_settled = Signal(int)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._period = 0.0
        self._due: float | None = None
        self.plane: Plane | None = None
        self.plane_index: PlaneIndex | None = None
        self.playing = False
        planes = session.jobs.planes
        planes.plane_ready.connect(self._on_plane)
        planes.failed.connect(self._on_failure)
        session.movie_changed.connect(self._on_movie)
        session.view.changed.connect(self._on_view)

    # -- moving ------------------------------------------------------------------------------------

    def go_to(self, t: int) -> None:
        """Show frame ``t``; beyond the ends, the first or last one."""
        self.show(t=t)

    def step(self, frames: int) -> None:
        """Go ``frames`` frames forwards, or backwards if negative; stops at the ends."""
        self.show(t=self._session.view.t + frames)

    def set_z(self, z: int) -> None:
        """Show z position ``z``, clamped."""
        self.show(z=z)

    def step_z(self, planes: int) -> None:
        """Go up or down by ``planes`` z positions; stops at the ends."""
        self.show(z=self._session.view.z + planes)

    def set_channel(self, c: int) -> None:
        """Show channel ``c``, clamped."""
        self.show(c=c)

    def show(self, *, t: int | None = None, c: int | None = None, z: int | None = None) -> None:
        """Show the plane nearest to the wanted one; what is None stays as it is."""
        movie, view = self._session.movie, self._session.view
        if movie is None:
            return
        wanted = {name: value for name, value in (("t", t), ("c", c), ("z", z)) if value is not None}
        index = movie.clamp(view.index._replace(**wanted))
        direction = view.play_direction if index.t == view.t else (1 if index.t > view.t else -1)
        view.set(t=index.t, c=index.c, z=index.z, play_direction=direction)

    # -- playing -----------------------------------------------------------------------------------

    def play(self, fps: float | None = None) -> None:
        """Play forwards from here, or from the start when this is the last frame; see ``tick``."""
        movie, view = self._session.movie, self._session.view
        if movie is None or movie.info.sizes.t < 2:
            return
        self._period = 1.0 / (fps or self._session.settings.play_fps)
        self._due = None
        if view.t == movie.info.sizes.t - 1:
            self.go_to(0)
        view.set(play_direction=1)
        self._set_playing(True)

    def set_rate(self, fps: float) -> None:
        """Play so many frames per second from now on."""
        self._session.settings.play_fps = fps
        self._period = 1.0 / fps
        self.rate_changed.emit(fps)

    def stop(self) -> None:
        """Stop playing."""
        self._set_playing(False)

    def toggle_play(self) -> None:
        """Play, or stop."""
        if self.playing:
            self.stop()
        else:
            self.play()

    def tick(self, now: float) -> None:
        """Called regularly with the time in seconds; steps when it is time and the frame on screen was seen.

        A movie that cannot be read fast enough plays slower rather than skipping frames.
        """
        view = self._session.view
        if not self.playing or self.plane_index != view.index:
            return
        if self._due is None:
            self._due = now + self._period
        if now < self._due:
            return
        self._due = max(self._due + self._period, now)
        before = view.t
        self.step(1)
        if view.t == before:
            self.stop()

    # -- contrast ----------------------------------------------------------------------------------

    @property
    def contrast(self) -> Contrast:
        """The range of the channel on screen."""
        view = self._session.view
        return view.contrast.get(view.c, Contrast(0.0, 255.0))

    def set_contrast(self, contrast: Contrast, *, final: bool) -> None:
        """Change the range of the channel on screen; ``final`` when the slider was let go.

        The model sees the image through this range, so a final change encodes the movie anew.
        """
        view = self._session.view
        view.set(contrast={**view.contrast, view.c: contrast})
        if final:
            self.contrast_settled.emit(view.c)

    def auto_contrast(self) -> None:
        """The range measured over the whole movie, for the channel on screen."""
        movie = self._session.movie
        if movie is not None:
            self.set_contrast(movie.measured[self._session.view.c], final=True)

    # -- reading -----------------------------------------------------------------------------------

    def _on_movie(self) -> None:
        self._set_playing(False)
        self.plane, self.plane_index = None, None
        movie = self._session.movie
        if movie is not None:
            self._session.jobs.planes.open(movie.source)
            self._request()

    def _on_view(self, names: frozenset[str]) -> None:
        if self._session.movie is not None and names & {"t", "c", "z"}:
            self._request()

    def _request(self) -> None:
        planes, index = self._session.jobs.planes, self._session.view.index
        planes.request(index, self._ahead(index))
        cached = planes.cached(index)
        if cached is not None and index != self.plane_index:
            self._on_plane(index, cached)

    def _ahead(self, index: PlaneIndex) -> list[PlaneIndex]:
        """The planes likely to be asked for next, likeliest first."""
        movie, direction = self._session.movie, self._session.view.play_direction
        assert movie is not None
        steps = [direction * n for n in range(1, _PREFETCH + 1)]
        steps.insert(1, -direction)
        near = [index._replace(t=index.t + step) for step in steps]
        near += [index._replace(z=index.z + step) for step in (1, -1)]
        return [other for other in near if movie.clamp(other) == other]

    def _on_plane(self, index: PlaneIndex, plane: Plane) -> None:
        if index == self._session.view.index and index != self.plane_index:
            self.plane, self.plane_index = plane, index
            self.plane_changed.emit()

    def _on_failure(self, index: PlaneIndex, sentence: str) -> None:
        if index == self._session.view.index:
            self._set_playing(False)
            self.plane, self.plane_index = None, None
            self._session.notices.error(sentence)
            self.plane_changed.emit()

    def _set_playing(self, playing: bool) -> None:
        if playing != self.playing:
            self.playing = playing
            self.playing_changed.emit(playing)
