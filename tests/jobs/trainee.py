"""A process that speaks as training does, quickly and without learning anything: for tests of the protocol.

``python trainee.py MODE [words of cellsam-train ...]``; MODE is ``better``, ``worse``, ``failing``,
``waiting`` (until it is told what to do), ``hesitating`` (the same, before it learns), ``deaf`` (never
listens) or ``dumb`` (says nonsense first). What it pretends to have learned is copied from the folder
``$TRAINEE_DECODER``, its picture is ``$TRAINEE_PICTURE``, if those are set.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

from cellsam_desktop.core.decoder_scores import KindScores, Scores
from cellsam_desktop.core.training_messages import (
    Embedded,
    Event,
    Failed,
    Finished,
    Judged,
    Pictured,
    Planned,
    Stepped,
    Validated,
    to_line,
)


def scores(iou: float) -> Scores:
    ious = (iou, min(1.0, iou + 0.1), min(1.0, iou + 0.15))
    kinds = {
        kind: KindScores(ious, ious, {0.8: 2.5, 0.9: 5.0}, {0.8: 0.9, 0.9: 0.4}) for kind in ("point", "box")
    }
    return Scores(2, 12, kinds)


def say(event: Event) -> None:
    print(to_line(event), flush=True)


def part(cells: int, frames: int) -> dict[str, object]:
    return {"cells": cells, "frames": [f"frame {t}" for t in range(frames)]}


def begin(folder: str) -> None:
    parts = {"train": part(8, 4), "validate": part(2, 1), "test": part(2, 1)}
    data = {"seed": 0, "notes": ["Little data."], "data_sets": {"movie": parts}}
    say(Planned("curator", "cpu", data, minutes=1.0, folder=folder))
    say(Embedded(1, 2))
    say(Embedded(2, 2))
    say(Judged("before", scores(0.6)))


def learn() -> None:
    say(Stepped(1, 0.9, None, 30.0, 1.0, 59.0))
    say(Validated(1, scores(0.65), True))
    if picture := os.environ.get("TRAINEE_PICTURE"):
        say(Pictured(picture))


def keep(folder: str) -> None:
    """What a run keeps that is under way."""
    Path(folder).mkdir(exist_ok=True)
    Path(folder, "run.json").write_text(json.dumps({"state": "training", "title": "Some cells"}))
    Path(folder, "state.pt").write_text("a little")


def finish(folder: str, iou: float) -> None:
    say(Stepped(2, 0.5, 0.65, 31.0, 2.0, 0.0))
    say(Judged("after", scores(iou)))
    better = iou > 0.6
    if learned := os.environ.get("TRAINEE_DECODER"):
        shutil.copytree(learned, folder, dirs_exist_ok=True)
    verdict = "The new decoder is better." if better else "The old decoder is kept."
    Path(folder, "run.json").write_text(json.dumps({"state": "finished", "title": "Some cells"}))
    say(Finished(better, folder, str(Path(folder, "report.html")), scores(0.6), scores(iou), verdict))


def wait(folder: str) -> int:
    """Say every word that comes as a step; stop and cancel end it, and so does the end of the words."""
    for number, word in enumerate(sys.stdin):
        match word.strip():
            case "stop":
                finish(folder, 0.8)
                return 0
            case "cancel":
                return 0
            case _:
                say(Stepped(10 + number, 0.1, None, 1.0, 1.0, 1.0))
    Path(folder, "state.pt").write_text("how far it was")
    return 0


def main() -> int:
    mode, words = sys.argv[1], sys.argv[2:]
    folder = words[words.index("--out") + 1] if "--out" in words else "."
    if mode == "failing":
        say(Failed("There is nothing to learn from: accept some masks first."))
        return 2
    if mode == "dumb":
        print("Downloading something ...", flush=True)
    if words[:1] == ["evaluate"]:
        say(Judged("now", scores(0.7 if "--decoder" in words else 0.6)))
        return 0
    if words[:1] == ["plan"]:
        begin(folder)
        return 0
    keep(folder)
    begin(folder)
    if mode == "hesitating":
        sys.stdin.readline()
        return 0
    learn()
    if mode == "deaf":
        threading.Event().wait()
    if mode == "waiting":
        return wait(folder)
    time.sleep(0.05)
    finish(folder, 0.8 if mode != "worse" else 0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
