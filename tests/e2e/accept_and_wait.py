"""A window that accepts one cell per point, says where they are saved, and waits to be killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from PySide6.QtCore import Qt

from tests.e2e.drive import Curator


def main() -> None:
    movie, *points = sys.argv[1:]
    hand = Curator()
    hand.drop(Path(movie))
    hand.wait_encoded()
    for point in points:
        x, y = (int(number) for number in point.split(","))
        hand.propose(x, y)
        hand.press(Qt.Key.Key_N)
    assert hand.session.movie is not None
    print("accepted", hand.session.movie.project_path)
    time.sleep(600)


if __name__ == "__main__":
    main()
