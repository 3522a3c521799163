"""segment-anything's decoders: its ONNX export as its script makes it, its PyTorch modules for batches."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from segment_anything.utils.onnx import SamOnnxModel

from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.architectures import SamModel
from cellsam_desktop.sam.prompt_arrays import prompt_arrays
from cellsam_desktop.sam.providers import CPU
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry

Array = NDArray[np.float32]
Bits = NDArray[np.bool_]

_OUTPUTS = ("masks", "iou_predictions", "low_res_masks")
_OPSET = 17  # the script's default


class OfficialExport:
    """``SamOnnxModel`` in ONNX Runtime on the CPU.

    ``one_mask`` as with the script's ``--return-single-mask``.

    In segment-anything 1.0 the traced graph cuts off the padding of the example's proportions, whatever the
    image's are. It costs the same, but the masks are wrong: ``scale`` makes them by the same code in PyTorch.
    """

    def __init__(self, model: SamModel, onnx: Path, threads: int | None, one_mask: bool) -> None:
        model.mask_threshold = 0.0  # type: ignore[assignment]  # what it asks of a Sam that ours does not have
        model.image_encoder.img_size = IMAGE_SIZE  # type: ignore[assignment]
        self._module = SamOnnxModel(model, return_single_mask=one_mask).eval()
        _export(self._module, onnx)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        # By default its threads go on spinning for a second after a run, on the cores that ours needs then.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self._session = onnxruntime.InferenceSession(str(onnx), options, providers=[CPU])

    def inputs(
        self, embedding: Array, geometry: InputGeometry, prompts: Prompts, hint: Array | None
    ) -> dict[str, Array]:
        """What ``run`` takes, so that making it is not measured."""
        coords, labels = prompt_arrays(prompts, geometry)
        mask = np.zeros((256, 256), np.float32) if hint is None else hint
        size = (geometry.region.height, geometry.region.width)
        return {
            "image_embeddings": embedding[None],
            "point_coords": coords,
            "point_labels": labels,
            "mask_input": mask[None, None],
            "has_mask_input": np.array([hint is not None], np.float32),
            "orig_im_size": np.array(size, np.float32),
        }

    def run(self, inputs: dict[str, Array]) -> tuple[Bits, Array]:
        """The masks (1 or 4, height, width), and their logits (1 or 4, 256, 256)."""
        masks, _, logits = self._session.run(_OUTPUTS, inputs)
        return masks[0] > 0, logits[0]

    @torch.no_grad()
    def scale(self, logits: Array, geometry: InputGeometry) -> Bits:
        """The masks (N, height, width) of logits (N, 256, 256)."""
        size = torch.tensor([geometry.region.height, geometry.region.width])
        masks: torch.Tensor = self._module.mask_postprocessing(torch.from_numpy(logits)[None], size)
        return np.asarray(masks[0].numpy() > 0)


@torch.no_grad()
def torch_batch(model: SamModel, embedding: Array, geometry: InputGeometry, prompts: list[Prompts]) -> Array:
    """The logits (N, 3, 256, 256) of prompts of one kind, as ``SamPredictor.predict_torch`` computes them.

    Its scaling of the masks to the image is left out.
    """
    arrays = [prompt_arrays(cell, geometry) for cell in prompts]
    coords, labels = (np.concatenate(parts) for parts in zip(*arrays, strict=True))
    points = torch.from_numpy(coords[:, :-1]), torch.from_numpy(labels[:, :-1])  # it pads by itself
    sparse, dense = model.prompt_encoder(points=points, boxes=None, masks=None)
    logits, _ = model.mask_decoder(
        image_embeddings=torch.from_numpy(embedding)[None],
        image_pe=model.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=True,
    )
    return np.asarray(logits.numpy(), dtype=np.float32)


def _export(module: SamOnnxModel, onnx: Path) -> None:
    example = {
        "image_embeddings": torch.randn(1, 256, 64, 64),
        "point_coords": torch.randint(0, IMAGE_SIZE, (1, 5, 2)).float(),
        "point_labels": torch.randint(0, 4, (1, 5)).float(),
        "mask_input": torch.randn(1, 1, 256, 256),
        "has_mask_input": torch.ones(1),
        "orig_im_size": torch.tensor([1500.0, 2250.0]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(example.values()),
            str(onnx),
            input_names=list(example),
            output_names=list(_OUTPUTS),
            dynamic_axes={"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}},
            opset_version=_OPSET,
            dynamo=False,
        )
