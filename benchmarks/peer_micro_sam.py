"""micro-sam's own function for a click; runs in the peers' environment (see ``peers``), not in ours.

Lines of JSON in: ``image``, a .npy file to encode, or ``points`` as (x, y) with ``labels``; out: ``ms``.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")


def main() -> None:
    import torch
    from micro_sam.prompt_based_segmentation import segment_from_points
    from micro_sam.util import get_sam_model

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever the libraries print is no answer
    predictor = get_sam_model(model_type="vit_t", checkpoint_path=sys.argv[1], device="cpu")
    for line in sys.stdin:
        question = json.loads(line)
        begun = time.perf_counter()
        if "image" in question:
            predictor.set_image(np.load(question["image"]))
        else:
            points = np.array(question["points"])[:, ::-1]  # it takes rows first
            segment_from_points(predictor, points, np.array(question["labels"]))
        print(json.dumps({"ms": (time.perf_counter() - begun) * 1000}), file=answers, flush=True)


if __name__ == "__main__":
    main()
