"""Decoders that were trained on this computer or brought here, each in a folder of its own; free of torch."""

from __future__ import annotations

import json
import logging
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.decoder_files import EXPORT_VERSION, DecoderFiles
from cellsam_desktop.sam.placement import disk_error

log = logging.getLogger(__name__)

REPORT = "report.html"
_REMOVED = ".removed"
RECORD, STATE, FINISHED = "run.json", "state.pt", "finished"
"""In the folder of a training run: its record, how far it is until it has finished, and what the record says
then."""
_LONGEST_TITLE = 80


@dataclass(frozen=True)
class TrainedDecoder:
    """A decoder for the embeddings of the model ``base``, whose weights have the sha256 ``base_sha256``.

    ``name`` never changes and names its folder, ``title`` is what the curator calls it. ``before`` and
    ``after`` are the scores on held-out frames of the decoder it began as and of itself, None if nobody
    measured; ``better`` is what was made of them. ``made`` is the time of its export, ISO 8601 in UTC.
    """

    name: str
    title: str
    files: DecoderFiles
    base: str
    base_sha256: str
    made: str
    before: Scores | None = None
    after: Scores | None = None
    better: bool = False
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def report(self) -> Path | None:
        """The page about its training, if there is one."""
        page = self.files.folder / REPORT
        return page if page.is_file() else None


def title_of(name: str) -> str:
    """A title that every decoder can have, after ``name``, such as that of a project.

    It does not begin with a hyphen, so that a command line takes it for no option.
    """
    plain = "".join(letter for letter in " ".join(name.split()) if letter.isprintable())
    return plain.lstrip("- ")[:_LONGEST_TITLE].strip() or "decoder"


def read_decoder(folder: Path) -> TrainedDecoder:
    """What ``folder`` holds: a training run, an exported decoder, or an adopted one.

    Raises:
        ModelError: it holds no decoder, or one that this version cannot use.
    """
    files = DecoderFiles(folder)
    if not files.complete:
        raise ModelError(f"{folder} holds no decoder (decoder.onnx and the like): choose another folder.")
    try:
        manifest = json.loads(files.manifest.read_text(encoding="utf-8"))
        found = TrainedDecoder(
            folder.name,
            str(manifest.get("title") or folder.name),
            files,
            str(manifest.get("base", "")),
            str(manifest["weights_sha256"]),
            str(manifest.get("made", "")),
            _scores(manifest.get("before")),
            _scores(manifest.get("after")),
            bool(manifest.get("better", False)),
            manifest,
        )
        version = int(manifest["export_version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"What {files.manifest} says about the decoder cannot be read: export it again."
        ) from error
    if version != EXPORT_VERSION:
        raise ModelError(
            f"The decoder in {folder} was exported by another version of the program: export it again "
            f"with 'cellsam-train export {folder} --out DIR'."
        )
    return found


class TrainedDecoders:
    """The adopted decoders, in a folder each below ``folder`` (default: with the user's data)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else paths.data_dir() / "trained"

    def entries(self) -> list[TrainedDecoder]:
        """All that can be used, the newest first; what cannot is left out, with a line in the log."""
        found = []
        for folder in sorted(self.folder.glob("*/")) if self.folder.is_dir() else ():
            if folder.name.startswith("."):
                continue
            try:
                found.append(read_decoder(folder))
            except ModelError as error:
                log.warning("%s", error)
        return sorted(found, key=lambda decoder: decoder.made, reverse=True)

    def get(self, name: str) -> TrainedDecoder:
        """The decoder called ``name``, or the only one with that title.

        Raises:
            ModelError: there is none, or there are several.
        """
        known = self.entries()
        found = [own for own in known if own.name == name] or [own for own in known if own.title == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise ModelError(f"Several decoders are titled {name!r}: name one of {_names(found)}.")
        raise ModelError(
            f"There is no trained decoder {name!r}: " + (f"choose one of {_names(known)}." if known else
            "there is none at all on this computer.")
        )  # fmt: skip

    def add(self, source: Path, title: str | None = None) -> TrainedDecoder:
        """Adopt the decoder in the folder ``source``, by copying it.

        Raises:
            ModelError: there is none, the title cannot be used, or the disk refuses; nothing was added.
        """
        decoder = read_decoder(source)
        title = title_of(decoder.title) if title is None else _checked(title)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = self._free_name(title)
            self._place(decoder, self.folder / name)
        except OSError as error:
            raise disk_error(self.folder, error) from error
        return self.rename(name, title)

    def rename(self, name: str, title: str) -> TrainedDecoder:
        """Give a decoder another title; its ``name`` stays.

        Raises:
            ModelError: there is no such decoder, the title cannot be used, or the disk refuses.
        """
        files = self.get(name).files
        manifest = {**read_decoder(files.folder).manifest, "title": _checked(title)}
        try:
            paths.atomic_write_text(files.manifest, json.dumps(manifest, indent=2) + "\n")
        except OSError as error:
            raise disk_error(files.manifest, error) from error
        return read_decoder(files.folder)

    def remove(self, name: str) -> None:
        """Put a decoder away until another one is; see ``restore``.

        Raises:
            ModelError: there is no such decoder, or the disk refuses.
        """
        folder, away = self.get(name).files.folder, self.folder / _REMOVED
        try:
            paths.put_away(folder, away)
        except OSError as error:
            raise ModelError(f"{folder} cannot be removed: {error.strerror or error}.") from error

    def restore(self) -> TrainedDecoder:
        """Bring back the decoder that was removed last.

        Raises:
            ModelError: there is none, or the disk refuses.
        """
        away = self.folder / _REMOVED
        found = next(away.glob("*/"), None)
        if found is None:
            raise ModelError(f"There is no removed decoder in {self.folder} any more.")
        target = self.folder / self._free_name(found.name)
        try:
            found.replace(target)
        except OSError as error:
            raise ModelError(f"{found} cannot be brought back: {error.strerror or error}.") from error
        return read_decoder(target)

    def copy_to(self, name: str, target: Path) -> TrainedDecoder:
        """Copy a decoder to the new or empty folder ``target``, to keep it or to hand it on.

        Raises:
            ModelError: there is no such decoder, the folder is in use, or the disk refuses.
        """
        decoder = self.get(name)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ModelError(f"{target} is in use: choose a new or an empty folder.")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._place(decoder, target)
        except OSError as error:
            raise disk_error(target, error) from error
        return read_decoder(target)

    def _free_name(self, title: str) -> str:
        stem = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-").lower()[:40] or "decoder"
        numbered = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 10_000))
        return next(name for name in numbered if not (self.folder / name).exists())

    @staticmethod
    def _place(decoder: TrainedDecoder, target: Path) -> None:
        """Copy whole or not at all."""
        files = decoder.files
        wanted = (files.onnx, files.image, files.hint, files.manifest, files.weights, decoder.report)
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
        try:
            for file in wanted:
                if file is not None and file.is_file():
                    shutil.copyfile(file, making / file.name)
            if target.is_dir():
                target.rmdir()
            making.replace(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def _scores(data: Any) -> Scores | None:
    return None if data is None else Scores.from_json(data)


def _checked(title: str) -> str:
    plain = " ".join(title.split())
    if not plain or len(plain) > _LONGEST_TITLE or not plain.isprintable():
        raise ModelError(f"A decoder needs a title of 1 to {_LONGEST_TITLE} letters.")
    return plain


def _names(decoders: list[TrainedDecoder]) -> str:
    return ", ".join(decoder.name for decoder in decoders)
