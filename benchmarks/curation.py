"""How many actions a movie costs a curator who knows the truth, with propagation and without.

    python -m benchmarks.curation [--data DIR] [--frames N] [--movies NAME ...]

She accepts the cells of the first frame, propagates to the end, and follows the review queue: where a doubt
is right she goes on to the next; where it is wrong she steps back to the first frame with a mistake, mends
what is wrong there and propagates again. When the queue shows nothing wrong any more she looks through
all frames for what it did not show. In the end every mask has an IoU of at least 0.7 with the truth, and the
lineage is exact. ``benchmarks.curator`` says what counts as an action.

Without propagation the same curator makes every mask of every frame.

*first tenth*: of the masks that propagation made at first, those that are wrong, and how many of them are
among the tenth that the queue puts first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import data_sets
from benchmarks.curation_course import Course
from benchmarks.curation_truth import Truth
from benchmarks.curator import Hand
from benchmarks.first_click import open_model
from cellsam_desktop import paths
from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.sam.registry import ModelRegistry


def measure(model: HeadlessModel, truth: Truth) -> dict[str, Any]:
    """Figures of one movie."""
    started = time.perf_counter()
    ours = Course(Hand(model, truth))
    ours.first_pass()
    sorted_out = ours.first_tenth()
    ours.follow_queue()
    queue_actions = ours.hand.actions.total()
    ours.finish()
    alone = Course(Hand(model, truth))
    alone.by_hand()
    tracks = len(truth.labels)
    return {
        "masks": truth.count,
        "tracks": tracks,
        "divisions": len(truth.daughters),
        "actions": ours.hand.actions.total(),
        "actions_in_queue": queue_actions,
        "frames_after_queue": ours.unseen,
        "doubts_looked_at": ours.looked,
        "per_mask": ours.hand.actions.total() / truth.count,
        "per_track": ours.hand.actions.total() / tracks,
        "exact": ours.exact(),
        "kinds": dict(ours.hand.actions),
        "queue": sorted_out,
        "by_hand": alone.hand.actions.total(),
        "by_hand_per_mask": alone.hand.actions.total() / truth.count,
        "by_hand_exact": alone.exact(),
        "by_hand_kinds": dict(alone.hand.actions),
        "seconds": time.perf_counter() - started,
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "| movie | masks | tracks | actions | per mask | per track | by hand | per mask | exact | "
        "doubts looked at | wrong at first | in the first tenth |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|",
    ]
    for name, r in results.items():
        queue, exact = r["queue"], "yes" if r["exact"] and r["by_hand_exact"] else "NO"
        row = [name, r["masks"], r["tracks"], r["actions"], f"{r['per_mask']:.2f}", f"{r['per_track']:.1f}"]
        row += [r["by_hand"], f"{r['by_hand_per_mask']:.2f}", exact, r["doubts_looked_at"]]
        row += [f"{queue['wrong']} of {queue['propagated']}"]
        row += [f"{queue['in_first_tenth']} of at most {queue['possible']}"]
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code is 1 when a movie did not become exact."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curation")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--movies", nargs="+", choices=data_sets.LINKED, default=data_sets.LINKED)
    parser.add_argument("--frames", type=int, help="only the first frames")
    parser.add_argument("--threads", type=int, help="processor threads")
    parser.add_argument("--cache", type=Path, default=paths.cache_dir() / "benchmarks", help="embeddings")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path("vit_t")
    if checkpoint is None:
        print("Needs the model vit_t: cellsam-desktop models fetch vit_t", file=sys.stderr)
        return 2
    model = open_model(checkpoint, arguments.cache, arguments.threads)
    results = {}
    for name in arguments.movies:
        print(name, file=sys.stderr, flush=True)
        results[name] = measure(model, Truth.read(arguments.data, name, arguments.frames))
    print(table(results))
    ratio = {name: r["by_hand"] / r["actions"] for name, r in results.items()}
    print(json.dumps({"benchmark": "curation", "ratio": ratio, "movies": results}))
    return 0 if all(r["exact"] and r["by_hand_exact"] for r in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
