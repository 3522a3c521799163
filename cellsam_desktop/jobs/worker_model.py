"""Loading a model inside the encoder worker: PyTorch, the weights, the decoder's export. Runs on a thread."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cellsam_desktop.core.errors import CellSamError, ModelError
from cellsam_desktop.jobs.protocol import Configure
from cellsam_desktop.jobs.targets import WorkerConfig
from cellsam_desktop.sam.decoder_files import decoder_path
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.registry import ModelRegistry

if TYPE_CHECKING:
    from cellsam_desktop.jobs.steady_encoder import SteadyEncoder

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightsKnown:
    """The digest of the weights: from now on embeddings can be found in the cache."""

    number: int
    digest: str


@dataclass(frozen=True)
class DecoderFound:
    """The decoder is there as ONNX."""

    number: int
    path: Path


@dataclass(frozen=True, eq=False)
class EncoderLoaded:
    """From now on embeddings can be computed."""

    number: int
    encoder: SteadyEncoder


@dataclass(frozen=True)
class LoadingFailed:
    """No encoder, or (``encoder_works``) no decoder; one sentence says why and what mends it."""

    number: int
    sentence: str
    encoder_works: bool = False


@dataclass(frozen=True)
class Remark:
    """Something the user should know although encoding goes on."""

    number: int
    sentence: str


ModelEvent: TypeAlias = WeightsKnown | DecoderFound | EncoderLoaded | LoadingFailed | Remark


def load_model(request: Configure, tell: Callable[[ModelEvent], None]) -> None:
    """Tell what becomes known, as soon as it is: the digest, the decoder, the encoder; or what went wrong."""
    number, config = request.number, request.config
    encoder_works = False
    try:
        checkpoint, architecture = _find_weights(config, lambda found: tell(WeightsKnown(number, found)))
        decoder = decoder_path(checkpoint, config.decoders_dir)
        if decoder is not None:
            tell(DecoderFound(number, decoder))
        encoder = _load_encoder(checkpoint, architecture, config, lambda text: tell(Remark(number, text)))
        tell(EncoderLoaded(number, encoder))
        encoder_works = True
        if decoder is None:
            tell(DecoderFound(number, _export_decoder(checkpoint, architecture, config)))
    except CellSamError as error:
        log.warning("Model %s: %s", config.model, error, exc_info=error)
        tell(LoadingFailed(number, str(error), encoder_works))
    except Exception as error:
        log.exception("Model %s could not be loaded.", config.model)
        sentence = f"The model {config.model} cannot be used ({error}): choose another one."
        tell(LoadingFailed(number, sentence, encoder_works))


def _find_weights(config: WorkerConfig, found: Callable[[str], None]) -> tuple[Path, str]:
    registry = ModelRegistry(config.models_dir)
    spec = registry.get(config.model)
    checkpoint = registry.path(config.model)
    if checkpoint is None:
        if spec.sha256 is not None:
            found(spec.sha256)  # what was encoded with it before is still of use
        raise ModelError(
            f"The model {config.model} is not on this computer: "
            f"fetch it with `cellsam-desktop models fetch {config.model}`."
        )
    found(digest(checkpoint))
    return checkpoint, spec.architecture


def _load_encoder(
    checkpoint: Path, architecture: str, config: WorkerConfig, remark: Callable[[str], None]
) -> SteadyEncoder:
    try:
        from cellsam_desktop.jobs.steady_encoder import SteadyEncoder
    except Exception as error:  # a broken PyTorch fails in many ways: ImportError, OSError, AttributeError
        raise ModelError(
            f"New frames cannot be encoded, because PyTorch does not start ({_first_line(error)}): "
            "run `cellsam-desktop doctor` to see what mends it."
        ) from error
    return SteadyEncoder(checkpoint, architecture, config.device, encoder_threads(), remark)


def _export_decoder(checkpoint: Path, architecture: str, config: WorkerConfig) -> Path:
    from cellsam_desktop.sam.export import ensure_decoder

    return ensure_decoder(checkpoint, architecture, config.decoders_dir).onnx


def encoder_threads() -> int:
    """Threads of the encoder on the CPU: one core is left to the window and the decoder."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
