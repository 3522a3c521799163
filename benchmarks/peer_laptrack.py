"""laptrack's linking of label images; runs in the peers' environment (see ``peers``), not in ours.

Lines of JSON in: ``labels``, a .npy file (T, Y, X), and ``way``, "overlap" or "points"; out: ``seconds``,
``tracks`` as [frame, label, track], ``splits`` as [mother track, daughter track].
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np

warnings.simplefilter("ignore")


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever the libraries print is no answer
    for line in sys.stdin:
        question = json.loads(line)
        labels = np.load(question["labels"])
        begun = time.perf_counter()
        tracks, splits = (_by_overlap if question["way"] == "overlap" else _by_points)(labels)
        seconds = time.perf_counter() - begun
        answer = {"seconds": seconds, "tracks": tracks, "splits": splits}
        print(json.dumps(answer), file=answers, flush=True)


def _by_overlap(labels: np.ndarray) -> tuple[list[Any], list[Any]]:
    """As its documentation shows for cells that divide."""
    from laptrack import OverLapTrack

    ratio = (1.0, 0.0, 0.0, 0.0, -1.0)
    tracker = OverLapTrack(
        cutoff=0.9,
        metric_coefs=ratio,
        gap_closing_metric_coefs=ratio,
        gap_closing_max_frame_count=1,
        splitting_cutoff=0.9,
        splitting_metric_coefs=ratio,
    )
    found, splits, _ = tracker.predict_overlap_dataframe(labels)
    rows = [[*map(int, key), int(track)] for key, track in found["track_id"].items()]
    return rows, _pairs(splits)


def _by_points(labels: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Centroids, as far apart as two cells are wide."""
    import pandas as pd
    from laptrack import LapTrack
    from skimage.measure import regionprops

    rows = [
        [t, region.label, *region.centroid, region.area]
        for t, plane in enumerate(labels)
        for region in regionprops(plane)
    ]
    table = pd.DataFrame(rows, columns=["frame", "label", "y", "x", "area"])
    reach = 4 * float(table["area"].median())
    tracker = LapTrack(cutoff=reach, splitting_cutoff=reach, gap_closing_cutoff=reach)
    found, splits, _ = tracker.predict_dataframe(table, ["y", "x"], only_coordinate_cols=False)
    columns = found.reset_index()[["frame_y" if "frame_y" in found else "frame", "label", "track_id"]]
    return columns.astype(int).to_numpy().tolist(), _pairs(splits)


def _pairs(splits: Any) -> list[list[int]]:
    if not len(splits):
        return []
    pairs: list[list[int]] = splits[["parent_track_id", "child_track_id"]].astype(int).to_numpy().tolist()
    return pairs


if __name__ == "__main__":
    main()
