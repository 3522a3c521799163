"""The background services a session stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from cellsam_desktop import paths
from cellsam_desktop.jobs.decoder_thread import DecoderThread
from cellsam_desktop.jobs.encoder_client import EncoderClient
from cellsam_desktop.jobs.plane_reader import PlaneReader
from cellsam_desktop.jobs.post import Post
from cellsam_desktop.jobs.runner import JobRunner
from cellsam_desktop.jobs.targets import WorkerConfig
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.settings import Settings


@dataclass(frozen=True)
class Jobs:
    """Encoder worker, decoder thread, plane reader, job runner and the cache of embeddings."""

    encoder: EncoderClient
    decoder: DecoderThread
    planes: PlaneReader
    runner: JobRunner
    cache: EmbeddingCache

    @classmethod
    def create(cls, settings: Settings, post: Post) -> Self:
        """All of them as the settings say; the encoder waits for ``encoder.start()``."""
        limit = int(settings.cache_limit_gb * 1e9)
        config = WorkerConfig(
            settings.model,
            settings.device,
            paths.models_dir(),
            paths.embeddings_dir(),
            paths.decoders_dir(),
            limit,
        )
        cache = EmbeddingCache(config.embeddings_dir, limit)
        return cls(
            EncoderClient(post, config), DecoderThread(post, cache), PlaneReader(post), JobRunner(post), cache
        )

    def set_cache_limit(self, limit_bytes: int) -> None:
        """How much the embeddings may take on the disk, for the window and for the worker."""
        self.cache.limit_bytes = limit_bytes
        self.encoder.set_cache_limit(limit_bytes)

    def stop(self) -> None:
        """End all of them; jobs under way are cancelled."""
        self.runner.shutdown()
        self.encoder.stop()
        self.decoder.stop()
        self.planes.stop()
