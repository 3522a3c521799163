"""Linking masks over time: ours beside laptrack, on true masks whose ids were shuffled on every frame.

    python -m benchmarks.linking [--data DIR] [--rounds N]

Both get the same label images and nothing else, and are scored by py-ctcmetrics. laptrack links once by
overlap, with the settings of its documentation, and once by centroids up to two cell widths apart. Times are
from label images to tracks, medians of the rounds, in which the programs take turns.

movie_nuclei_sim has no table of divisions: the daughters that appear where a mother ended are hers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks import data_sets, peers
from cellsam_desktop.analysis.linking import link
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.headless_link import tracks_of
from cellsam_desktop.curation.headless_score import ScoreTask, score
from cellsam_desktop.project.ctc_table import TrackRow, write_table
from cellsam_desktop.project.exporters.ctc import export_ctc
from cellsam_desktop.project.importers.labels import masks_of
from cellsam_desktop.project.importers.tracks import Tracks, document_of, settle

Labels = NDArray[np.uint16]
GOALS = {"LNK": 0.99, "division_f1": 0.9}
WAYS = ("ours", "laptrack overlap", "laptrack points")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linking")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rows = measure(arguments.data, arguments.rounds)
    print(table(rows))
    print(json.dumps({"linking": rows, "goals": GOALS}))
    ours = [row for row in rows if row["program"] == "ours"]
    return 0 if all(row[name] >= goal for row in ours for name, goal in GOALS.items()) else 1


def measure(data: Path, rounds: int = 3) -> list[dict[str, Any]]:
    """A row per movie and program: LNK, TRA, division_f1, seconds. Without peers, ours only."""
    rows = []
    for name in data_sets.LINKED:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            scratch = Path(folder)
            truth = data / name / "tracks.tif"
            labels = tifffile.imread(truth)
            lineage = data / name / "man_track.txt"
            if not lineage.is_file():
                lineage = scratch / "man_track.txt"
                write_table(lineage, lineage_by_place(labels))
            peer = stack.enter_context(peers.Peer("peer_laptrack.py", threads=1)) if peers.present() else None
            found = _linked(_shuffled(labels), scratch, peer, rounds)
            for way, (tracks, seconds) in found.items():
                result = scratch / way
                export_ctc(result, document_of(tracks), (len(labels), 1, *labels.shape[1:]))
                values = score(ScoreTask(truth, result, scratch / "score.json", lineage))
                scores = {key: values[key] for key in ("LNK", "TRA", "division_f1")}
                rows.append({"movie": name, "program": way, **scores, "seconds": seconds})
    return rows


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = ["| movie | program | LNK | TRA | division F1 | seconds |", "|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(
            f"| {row['movie']} | {row['program']} | {row['LNK']:.4f} | {row['TRA']:.4f} "
            f"| {row['division_f1']:.3f} | {row['seconds']:.2f} |"
        )
    return "\n".join(lines)


def _linked(
    labels: Labels, scratch: Path, peer: peers.Peer | None, rounds: int
) -> dict[str, tuple[Tracks, float]]:
    times: dict[str, list[float]] = defaultdict(list)
    tracks: dict[str, Tracks] = {}
    np.save(scratch / "labels.npy", labels)
    for _ in range(rounds):
        begun = time.perf_counter()
        frames = _frames(labels)
        links = link(frames)
        times["ours"].append(time.perf_counter() - begun)
        tracks["ours"] = tracks_of(frames, links)
        if peer is None:
            continue
        for way in WAYS[1:]:
            answer = peer.ask(labels=str(scratch / "labels.npy"), way=way.split()[1])
            times[way].append(answer["seconds"])
            tracks[way] = _tracks(frames, answer)
    return {way: (tracks[way], median(times[way])) for way in tracks}


def _frames(labels: Labels) -> dict[int, dict[int, dict[int, Mask]]]:
    return {t: {n: {0: mask} for n, mask in masks_of(plane, Path())} for t, plane in enumerate(labels)}


def _tracks(frames: dict[int, dict[int, dict[int, Mask]]], answer: dict[str, Any]) -> Tracks:
    masks: dict[int, dict[PlaneKey, Mask]] = defaultdict(dict)
    for t, label, track in answer["tracks"]:
        masks[track + 1][PlaneKey(t)] = frames[t][label][0]
    return settle(masks, ((daughter + 1, mother + 1) for mother, daughter in answer["splits"]))


def _shuffled(labels: Labels) -> Labels:
    rng = np.random.default_rng(0)
    out = np.zeros_like(labels)
    for t, plane in enumerate(labels):
        ids = np.unique(plane)
        new = np.zeros(int(ids.max()) + 1, labels.dtype)
        new[ids[ids > 0]] = rng.permutation(np.count_nonzero(ids)) + 1
        out[t] = new[plane]
    return out


def lineage_by_place(labels: Labels) -> Iterator[TrackRow]:
    """Divisions by place: a daughter appears where a mother was on the frame before, who is gone."""
    present = [set(np.unique(plane).tolist()) - {0} for plane in labels]
    for label in sorted(set.union(*present)):
        frames = [t for t, here in enumerate(present) if label in here]
        first, parent = frames[0], 0
        if first:
            under = labels[first - 1][labels[first] == label]
            ids, counts = np.unique(under[under > 0], return_counts=True)
            if ids.size and int(ids[counts.argmax()]) not in present[first]:
                parent = int(ids[counts.argmax()])
        yield TrackRow(label, first, frames[-1], parent)


if __name__ == "__main__":
    sys.exit(main())
