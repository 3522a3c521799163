"""Loading a model inside the encoder worker: the weights, the encoder, the decoder. Runs on a thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from cellsam_desktop.core.errors import CellSamError, ModelError
from cellsam_desktop.jobs.leisure import Dismissed, Leisure
from cellsam_desktop.jobs.protocol import Configure
from cellsam_desktop.jobs.targets import WorkerConfig
from cellsam_desktop.sam.cores import usable
from cellsam_desktop.sam.decoder_files import decoder_path
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.encoder_choice import Choices
from cellsam_desktop.sam.encoder_trial import try_both
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.sam.steady_encoder import SteadyEncoder

log = logging.getLogger(__name__)

QUIET_S = 60.0  # of nothing to do before encoders are compared


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


def load_model(request: Configure, tell: Callable[[ModelEvent], None], leisure: Leisure) -> None:
    """Tell what becomes known, as soon as it is: the digest, the decoder, the encoder; or what went wrong.

    When there is nothing else to do (``leisure``), find out which encoder is the quickest here.
    """
    number, config = request.number, request.config
    encoder_works = False
    try:
        checkpoint, architecture = _find_weights(config, lambda found: tell(WeightsKnown(number, found)))
        decoder = decoder_path(checkpoint, config.decoders_dir)
        if decoder is not None:
            tell(DecoderFound(number, decoder))
        load = partial(
            _load_encoder, checkpoint, architecture, config, lambda text: tell(Remark(number, text))
        )
        encoder = load()
        tell(EncoderLoaded(number, encoder))
        encoder_works = True
        if decoder is None:
            tell(DecoderFound(number, _export_decoder(checkpoint, architecture, config)))
        if encoder.device == "cpu" and _is_another_quicker(encoder, checkpoint, architecture, leisure):
            tell(EncoderLoaded(number, load()))
    except Dismissed:
        log.debug("Another model was chosen before the encoders of %s were compared.", config.model)
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
    return SteadyEncoder(checkpoint, architecture, config.device, encoder_threads(), remark)


def _export_decoder(checkpoint: Path, architecture: str, config: WorkerConfig) -> Path:
    from cellsam_desktop.sam.export import ensure_decoder

    return ensure_decoder(checkpoint, architecture, config.decoders_dir).onnx


def _is_another_quicker(
    encoder: SteadyEncoder, checkpoint: Path, architecture: str, leisure: Leisure
) -> bool:
    threads = encoder_threads()
    try:
        new = try_both(checkpoint, architecture, threads, partial(leisure.wait, QUIET_S))
    except (CellSamError, RuntimeError, MemoryError) as error:  # the one that serves goes on serving
        log.warning("The encoders could not be compared.", exc_info=error)
        return False
    return new and Choices().backend(architecture, threads) != encoder.backend


def encoder_threads() -> int:
    """Threads of the encoder on the CPU: one core is left to the window and the decoder."""
    return max(1, usable() - 1)
