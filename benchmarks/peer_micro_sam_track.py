"""micro-sam's own propagation; runs in the peers' environment (see ``peers``), not in ours.

Lines of JSON in: ``images`` (T, Y, X, 3) uint8 and ``start`` (Y, X) labels, .npy files, ``projection`` and
``threshold`` as in its window, ``out``, a .npy file to write labels (T, Y, X) to; out: ``encode`` and
``track``, seconds. Each cell is tracked by itself, as there; a pixel that two want goes to the first.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")
_BOX_EXTENSION = 0.05


def main() -> None:
    import torch
    from micro_sam.sam_annotator.util import track_from_prompts
    from micro_sam.util import get_sam_model, precompute_image_embeddings

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever the libraries print is no answer
    predictor = get_sam_model(model_type="vit_t", checkpoint_path=sys.argv[1], device="cpu")
    known: dict = {}  # the embeddings of one movie, and the seconds they took
    for line in sys.stdin:
        question = json.loads(line)
        images, start = np.load(question["images"]), np.load(question["start"])
        begun = time.perf_counter()
        if question["images"] not in known:
            embeddings = precompute_image_embeddings(predictor, images, ndim=3, verbose=False)
            known = {question["images"]: (embeddings, time.perf_counter() - begun)}
        embeddings, encode = known[question["images"]]
        begun = time.perf_counter()
        out = np.zeros(images.shape[:3], np.uint16)
        for label in np.unique(start[start > 0]):
            seg = np.zeros(images.shape[:3], np.uint8)
            seg[0] = start == label
            seg, _ = track_from_prompts(
                None,
                None,
                seg,
                predictor,
                np.array([0]),
                embeddings,
                stop_upper=False,
                threshold=question["threshold"],
                projection=question["projection"],
                motion_smoothing=0.5,
                box_extension=_BOX_EXTENSION,
            )
            out[(seg > 0) & (out == 0)] = label
        np.save(question["out"], out)
        answer = {"encode": encode, "track": time.perf_counter() - begun}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
