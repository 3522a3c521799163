"""Decoders change places under the embeddings: real weights, a real decoder thread, nothing encoded anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import helper

from cellsam_desktop import paths
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.sam.decoder_files import EXPORT_VERSION, DecoderFiles
from cellsam_desktop.sam.known_models import KNOWN_MODELS
from cellsam_desktop.settings import Settings
from tests.curation.conftest import Desk
from tests.jobs.helpers import CELL, EncodedMovie

DIGEST = next(spec.sha256 for spec in KNOWN_MODELS if spec.name == "vit_t")
Write = Callable[..., Path]


@pytest.fixture
def write_decoder(encoded_movie: EncodedMovie, tmp_path: Path) -> Write:
    """Writes decoders that are less sure: the model's own, whose predicted IoU comes halved."""

    def write(name: str, *, base: str = "vit_t", sha256: str | None = DIGEST) -> Path:
        folder = tmp_path / name
        shutil.copytree(encoded_movie.decoder.parent, folder)
        files = DecoderFiles(folder)
        model = onnx.load_model(files.onnx)
        for node in model.graph.node:
            node.output[:] = ["sure" if output == "quality" else output for output in node.output]
        model.graph.node.append(helper.make_node("Mul", ["sure", "half"], ["quality"]))
        model.graph.initializer.append(helper.make_tensor("half", onnx.TensorProto.FLOAT, [1], [0.5]))
        onnx.save_model(model, files.onnx)
        manifest = {"base": base, "weights_sha256": sha256, "export_version": EXPORT_VERSION}
        files.manifest.write_text(json.dumps({**manifest, "title": f"Title of {name}", "made": name}))
        return folder

    return write


@pytest.fixture
def clicker(desk: Desk, encoded_movie: EncodedMovie, tmp_path: Path) -> Desk:
    """The movie open, every frame encoded, the model's own decoder at work."""
    show(desk, encoded_movie, tmp_path)
    return desk


def show(desk: Desk, encoded: EncodedMovie, folder: Path) -> None:
    shutil.copytree(encoded.config.embeddings_dir, paths.embeddings_dir(), dirs_exist_ok=True)
    movie = folder / encoded.movie.name
    if not movie.exists():
        shutil.copy(encoded.movie, movie)
    desk.open(movie)
    desk.settle()
    desk.session.jobs.encoder.decoder_ready.emit(encoded.decoder)
    for what, key in encoded.keys.items():
        desk.session.jobs.encoder.encoded.emit(what, key)


def bring(desk: Desk, folder: Path) -> str:
    """Add a decoder; its name."""
    before = {decoder.name for decoder in desk.session.decoders.known}
    desk.session.decoders.bring(folder)
    desk.settle()
    [name] = {decoder.name for decoder in desk.session.decoders.known} - before
    return name


def click(desk: Desk) -> float:
    """Click the cell; the predicted IoU of the answer."""
    prompting = desk.session.prompting
    prompting.clear()
    prompting.add_point(*CELL)
    desk.wait(lambda: prompting.complete)
    assert prompting.proposal is not None
    return prompting.proposal.predicted_iou


def wait_loaded(desk: Desk) -> None:
    """Until the decoder thread has what was chosen."""
    loaded = []
    desk.session.jobs.decoder.loaded.connect(loaded.append)
    desk.wait(lambda: bool(loaded))


def test_another_decoder_answers_at_once_from_the_same_embeddings(
    clicker: Desk, write_decoder: Write
) -> None:
    session = clicker.session
    heard, queues = [], session.agenda.orders
    session.encoding.forgotten.connect(lambda: heard.append("forgotten"))
    own = click(clicker)
    session.prompting.accept()
    name = bring(clicker, write_decoder("mine"))
    session.decoders.use(name)
    wait_loaded(clicker)
    assert click(clicker) == pytest.approx(own / 2, abs=1e-4)
    session.prompting.accept()
    assert (heard, session.jobs.encoder.encodes) == ([], 0)
    assert session.agenda.orders == queues
    assert session.encoding.current_key is not None
    assert session.decoders.in_use.title == "Title of mine"
    # Back in one click, and masks tell who made them.
    session.decoders.roll_back()
    wait_loaded(clicker)
    assert click(clicker) == pytest.approx(own, abs=1e-4)
    session.prompting.accept()
    document = session.movie.document
    made_by = [document.record(i, PlaneKey()).decoder for i in document.cell_ids]
    assert made_by == ["vit_t", f"vit_t/{name}", "vit_t"]
    assert not session.decoders.can_roll_back


def test_what_is_being_pointed_at_is_asked_anew(clicker: Desk, write_decoder: Write) -> None:
    own = click(clicker)
    prompting = clicker.session.prompting
    clicker.session.decoders.use(bring(clicker, write_decoder("mine")))
    wait_loaded(clicker)
    clicker.wait(lambda: prompting.complete and prompting.proposal.predicted_iou < own)
    assert prompting.proposal.predicted_iou == pytest.approx(own / 2, abs=1e-4)


def test_the_choice_is_remembered(
    clicker: Desk, make_desk, encoded_movie, write_decoder: Write, tmp_path
) -> None:
    own = click(clicker)
    first, second = (bring(clicker, write_decoder(name)) for name in ("first", "second"))
    clicker.session.decoders.use(first)
    clicker.session.decoders.use(second)
    clicker.close()
    again = make_desk()
    again.settings.decoders = Settings.load().decoders
    again.settings.decoders_before = Settings.load().decoders_before
    show(again, encoded_movie, tmp_path)
    wait_loaded(again)
    assert click(again) == pytest.approx(own / 2, abs=1e-4)
    decoders = again.session.decoders
    assert (decoders.in_use.name, decoders.before.name) == (second, first)
    decoders.roll_back()
    decoders.roll_back()
    assert decoders.in_use is None
    again.wait(lambda: decoders.label == "vit_t")


def test_one_that_is_gone_is_said_and_the_own_one_answers(
    clicker: Desk, make_desk, encoded_movie, tmp_path
) -> None:
    again = make_desk()
    again.settings.decoders = {"vit_t": "lost"}
    again.settings.decoders_before = {"vit_t": ["", "lost too"]}
    show(again, encoded_movie, tmp_path)
    again.settle()
    again.wait(lambda: again.session.encoding.decoder_path == encoded_movie.decoder)
    assert any("lost is not on this computer any more" in text for text in again.texts)
    assert again.settings.decoders == {}


def test_one_that_cannot_be_loaded_is_given_up(clicker: Desk, encoded_movie, write_decoder: Write) -> None:
    name = bring(clicker, write_decoder("broken"))
    decoders = clicker.session.decoders
    decoders.get(name).files.onnx.write_bytes(b"no graph")
    click(clicker)
    decoders.use(name)
    clicker.wait(lambda: decoders.in_use is None)
    assert clicker.session.encoding.decoder_path == encoded_movie.decoder
    assert len(clicker.errors) == 1
    assert click(clicker) > 0


def test_the_list_is_renamed_exported_and_cleared(
    clicker: Desk, write_decoder: Write, tmp_path: Path
) -> None:
    decoders = clicker.session.decoders
    name = bring(clicker, write_decoder("mine"))
    decoders.use(name)
    decoders.rename(name, "Bacteria of May")
    clicker.settle()
    clicker.wait(lambda: decoders.label == f"vit_t/{name}")
    assert decoders.title == "Bacteria of May"
    decoders.export(name, tmp_path / "out")
    clicker.settle()
    assert DecoderFiles(tmp_path / "out").complete
    decoders.export(name, tmp_path / "out")
    clicker.settle()
    assert "in use" in clicker.errors[-1]
    decoders.remove(name)
    clicker.settle()
    assert (decoders.known, decoders.in_use, decoders.can_roll_back) == ((), None, False)


def test_those_of_other_weights_are_not_offered(clicker: Desk, write_decoder: Write) -> None:
    decoders = clicker.session.decoders
    decoders.bring(write_decoder("of_another_model", base="vit_b"))
    decoders.bring(write_decoder("of_other_weights", sha256="00" * 32))
    clicker.settle()
    assert decoders.known == ()
    assert [text.split("trained for")[1] for text in clicker.texts if "trained for" in text] == [
        " (a model called vit_b).",
        " (a model called vit_t).",
    ]
