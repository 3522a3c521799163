"""Curates a movie while the rest of it is being encoded, and tells the slowest event handlers as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import tifffile
from PySide6.QtCore import Qt

from cellsam_desktop import app
from cellsam_desktop.ui.watchdog import WatchedApplication
from tests.e2e.drive import CTRL, SHIFT, Curator, inner_point

KEY = Qt.Key
FRAMES = 3


def main() -> None:
    movie, tracks = map(Path, sys.argv[1:])
    truth = tifffile.imread(tracks, key=range(FRAMES))
    hand = Curator()
    watched = app.application()
    assert isinstance(watched, WatchedApplication)
    hand.drop(movie)
    hand.wait_encoded()
    hand.rest(1.0)
    watched.reset()
    for t in range(FRAMES):
        curate(hand, truth[t])
        hand.step()
        hand.wait_encoded()
    look_around(hand)
    session = hand.session
    assert session.movie is not None
    report = {
        "busiest": [asdict(handled) for handled in watched.busiest],
        "slowest": [asdict(handled) for handled in watched.slowest],
        "events": watched.events,
        "cells": len(session.movie.document),
        "frames_to_encode": session.movie.info.sizes.t,
        "frames_encoded_at_the_end": len(session.encoding.encoded_frames),
    }
    hand.close()
    print(json.dumps(report))


def curate(hand: Curator, labels: np.ndarray) -> None:
    """Hover, click, choose, accept every cell of a frame."""
    for label in np.unique(labels)[1:]:
        x, y = inner_point(labels, int(label))
        for n in range(12):
            hand.hover(x + n, y + n % 3)
            hand.rest(0.02)
        hand.propose(x, y)
        hand.press(KEY.Key_Tab, times=3)
        hand.press(KEY.Key_N)


def look_around(hand: Curator) -> None:
    """Zoom, pan, step, undo and redo."""
    hand.wheel(3)
    hand.wheel(-3)
    for key in (KEY.Key_Right, KEY.Key_Left):
        for _ in range(12):
            hand.press(key)
            hand.rest(0.05)
    for keys in (CTRL, CTRL | SHIFT):
        for _ in range(4):
            hand.press(KEY.Key_Z, keys)
            hand.rest(0.05)


if __name__ == "__main__":
    main()
