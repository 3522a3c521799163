import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from cellsam_desktop import installed
from cellsam_desktop.core.errors import ModelError, PromptError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam import export
from cellsam_desktop.sam.architectures import build
from cellsam_desktop.sam.decoder import Answer, OnnxDecoder
from cellsam_desktop.sam.decoder_files import decoder_path
from cellsam_desktop.sam.decoder_parity import parity_error
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.transforms import InputGeometry
from cellsam_desktop.sam.weights import load_checkpoint

LIMIT = 1e-3


def geometry_of(photo: np.ndarray) -> InputGeometry:
    return InputGeometry(Region.whole(*photo.shape[:2]))


def prompts_on(photo: np.ndarray) -> dict[str, Prompts]:
    height, width = photo.shape[:2]
    box = Box(0.2 * width, 0.3 * height, 0.6 * width, 0.7 * height)
    positive, negative = Point(0.4 * width, 0.5 * height), Point(0.1 * width, 0.9 * height, positive=False)
    return {
        "point": Prompts((positive,)),
        "points": Prompts((positive, negative, Point(0.45 * width, 0.5 * height))),
        "negative": Prompts((negative,)),
        "box": Prompts(box=box),
        "both": Prompts((positive, negative), box),
        "outside": Prompts((Point(-3.0, -2.0),)),
    }


def official(predictor, prompts: Prompts, hint):
    """Masks, predicted IoU and logits as MobileSAM's predictor gives them, in the order we promise."""
    points = np.array([[point.x, point.y] for point in prompts.points]) if prompts.points else None
    labels = np.array([int(point.positive) for point in prompts.points]) if prompts.points else None
    box = prompts.box
    corners = None if box is None else np.array([box.x0, box.y0, box.x1, box.y1])
    mask = None if hint is None else hint[None]
    three = predictor.predict(points, labels, corners, mask, multimask_output=True)
    order = np.argsort(-three[1], kind="stable")
    results = [values[order] for values in three]
    if box is None and len(prompts.points) == 1:
        return results
    one = predictor.predict(points, labels, corners, mask, multimask_output=False)
    return [np.concatenate((first, others[:2])) for first, others in zip(one, results, strict=True)]


@pytest.mark.parametrize("hinted", [False, True], ids=["plain", "hinted"])
def test_answers_agree_with_the_reference(decoder, embedding, shown, photo, hinted):
    geometry, hint = geometry_of(photo), None
    if hinted:
        hint = decoder.decode(embedding, geometry, prompts_on(photo)["point"]).candidates[0].logits
    for name, prompts in prompts_on(photo).items():
        masks, quality, logits = official(shown, prompts, hint)
        answer = decoder.decode(embedding, geometry, prompts, hint)
        assert len(answer.candidates) == 3
        for candidate, mask, iou, low in zip(answer.candidates, masks, quality, logits, strict=True):
            assert np.abs(candidate.logits - low).max() < LIMIT, name
            assert abs(candidate.predicted_iou - iou) < LIMIT, name
            own = logits_to_mask(candidate.logits, geometry)
            found = np.zeros_like(mask) if own is None else own.to_plane(*mask.shape)
            assert (found != mask).sum() <= max(1, 1e-4 * mask.sum()), name


def test_candidates_come_best_first(decoder, embedding, photo):
    answer = decoder.decode(embedding, geometry_of(photo), prompts_on(photo)["point"])
    quality = [candidate.predicted_iou for candidate in answer.candidates]
    assert len(quality) == 3
    assert quality == sorted(quality, reverse=True)


def test_cached_half_precision_embeddings_serve(decoder, embedding, photo):
    geometry, prompts = geometry_of(photo), prompts_on(photo)["box"]
    full = decoder.decode(embedding, geometry, prompts).candidates[0]
    half = decoder.decode(embedding.astype(np.float16), geometry, prompts).candidates[0]
    first, second = logits_to_mask(full.logits, geometry), logits_to_mask(half.logits, geometry)
    assert first is not None
    assert second is not None
    assert first.iou(second) > 0.995


def test_a_decode_does_not_change_its_embedding(decoder, embedding, photo):
    kept = embedding.copy()
    kept.setflags(write=False)
    decoder.decode(kept, geometry_of(photo), prompts_on(photo)["point"])


def test_nothing_prompted_is_refused(decoder):
    with pytest.raises(PromptError):
        decoder.decode(np.zeros((256, 64, 64), np.float32), InputGeometry(Region.whole(9, 9)), Prompts())


def test_the_provider_is_the_true_one(exported):
    assert (
        OnnxDecoder(exported.onnx, threads=1, providers=["CPUExecutionProvider"]).provider
        == "CPUExecutionProvider"
    )


@pytest.mark.parametrize("name", ["decoder.onnx", "image.onnx", "hint.onnx"])
@pytest.mark.parametrize("damage", ["missing", "cut off", "not a graph"])
def test_a_damaged_folder_is_one_sentence(exported, tmp_path, name, damage):
    folder = shutil.copytree(exported.folder, tmp_path / "copy")
    file = folder / name
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:9999] if damage == "cut off" else b"not a graph")
    with pytest.raises(ModelError) as told:
        OnnxDecoder(folder / "decoder.onnx")
    assert (
        str(told.value) == f"The decoder's {file} cannot be loaded: delete {folder}, and it is exported anew."
    )


def test_the_manifest_says_what_was_exported(exported, weights):
    manifest = json.loads(exported.manifest.read_text())
    assert manifest["weights"] == weights.name
    assert manifest["weights_sha256"].startswith("6dbb90523a35330f")
    assert manifest["weights_sha256"] in export.COMPARED
    assert manifest["parity_error"] is None


def test_a_decoder_is_exported_once(exported, weights):
    decoders = exported.folder.parent
    before = exported.onnx.stat().st_mtime_ns
    assert decoder_path(weights, decoders) == exported.onnx
    assert export.ensure_decoder(weights, "vit_t", decoders) == exported
    assert exported.onnx.stat().st_mtime_ns == before
    assert [folder.name for folder in decoders.iterdir()] == [exported.folder.name]


def test_there_is_no_decoder_before_the_export(weights, tmp_path):
    assert decoder_path(weights, tmp_path) is None


def test_the_weights_that_are_not_compared_at_the_export_are_compared_here(exported, weights):
    model = build("vit_t", load_checkpoint(weights))
    assert parity_error(model, exported) < export.PARITY_LIMIT


@pytest.fixture(scope="module")
def other_weights(weights, tmp_path_factory) -> Path:
    """MobileSAM's, a little changed: nobody has compared these."""
    state = load_checkpoint(weights)
    state["mask_decoder.iou_token.weight"] += 0.01
    file = tmp_path_factory.mktemp("other") / "other.pt"
    torch.save(state, file)
    return file


def test_other_weights_are_compared_at_the_export(other_weights, tmp_path):
    manifest = json.loads(export.ensure_decoder(other_weights, "vit_t", tmp_path).manifest.read_text())
    assert 0 <= manifest["parity_error"] < export.PARITY_LIMIT
    assert manifest["compared_with"] == "PyTorch"


def test_a_graph_that_disagrees_is_not_used(other_weights, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "PARITY_LIMIT", 1e-12)
    with pytest.raises(ModelError, match=r"other\.pt differs from PyTorch"):
        export.ensure_decoder(other_weights, "vit_t", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_pytorch_the_manifest_says_that_nothing_was_compared(other_weights, tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "has_torch", lambda: False)
    manifest = json.loads(export.ensure_decoder(other_weights, "vit_t", tmp_path).manifest.read_text())
    assert manifest["parity_error"] is None
    assert manifest["compared_with"].startswith("nothing")


@pytest.mark.parametrize("harm", ["absent", "shape", "not a number"])
def test_a_decoder_that_is_none_is_one_sentence(weights, tmp_path, harm):
    state, name = load_checkpoint(weights), "mask_decoder.iou_token.weight"
    if harm == "absent":
        del state[name]
    else:
        state[name] = torch.zeros(1, 128) if harm == "shape" else torch.full((1, 256), torch.nan)
    file = tmp_path / "mine.pt"
    torch.save(state, file)
    with pytest.raises(ModelError, match=r"The decoder in mine\.pt is not one of a Segment Anything model"):
        export.ensure_decoder(file, "vit_t", tmp_path / "decoders")
    assert list((tmp_path / "decoders").iterdir()) == []


def test_half_an_export_is_replaced(weights, exported, tmp_path):
    broken = tmp_path / exported.folder.name
    broken.mkdir()
    (broken / "decoder.onnx").write_bytes(b"half")
    files = export.ensure_decoder(weights, "vit_t", tmp_path)
    assert files.complete
    assert OnnxDecoder(files.onnx).provider


def test_an_export_of_an_earlier_version_is_made_anew(weights, exported, tmp_path):
    number = exported.folder.name.rpartition("-v")[2]
    earlier = tmp_path / exported.folder.name.replace(f"-v{number}", f"-v{int(number) - 1}")
    earlier.mkdir()
    for name in ("decoder.onnx", "manifest.json"):  # all that version 1 had
        (earlier / name).write_bytes(b"of another version")
    assert decoder_path(weights, tmp_path) is None
    files = export.ensure_decoder(weights, "vit_t", tmp_path)
    assert decoder_path(weights, tmp_path) == files.onnx
    assert files.folder != earlier


def test_a_prepared_image_gives_the_same_answers(decoder, embedding, photo):
    geometry, prepared = geometry_of(photo), decoder.prepare(embedding)
    assert prepared.nbytes >= embedding.nbytes
    for prompts in prompts_on(photo).values():
        assert_same(decoder.decode(prepared, geometry, prompts), decoder.decode(embedding, geometry, prompts))


def test_many_at_once_give_the_answers_of_one_by_one(decoder, embedding, photo):
    geometry, prepared = geometry_of(photo), decoder.prepare(embedding)
    cells = [*prompts_on(photo).values()] * 2
    hint = decoder.decode(prepared, geometry, cells[0]).candidates[0].logits
    hints = [None, hint] * (len(cells) // 2)
    answers = decoder.decode_many(prepared, geometry, cells, hints)
    assert len(answers) == len(cells)
    for answer, prompts, own in zip(answers, cells, hints, strict=True):
        assert_same(answer, decoder.decode(prepared, geometry, prompts, own))


def test_many_without_hints_and_none_at_all(decoder, embedding, photo):
    geometry, cells = geometry_of(photo), [*prompts_on(photo).values()]
    assert decoder.decode_many(embedding, geometry, []) == []
    answers = decoder.decode_many(embedding, geometry, cells)
    for answer, prompts in zip(answers, cells, strict=True):
        assert_same(answer, decoder.decode(embedding, geometry, prompts))
    with pytest.raises(PromptError):
        decoder.decode_many(embedding, geometry, [cells[0], Prompts()])


def test_a_hint_is_remembered_for_its_image_only(decoder, embedding, photo):
    geometry, prompts = geometry_of(photo), prompts_on(photo)["points"]
    first, second = decoder.prepare(embedding), decoder.prepare(embedding[:, ::-1])
    hint = decoder.decode(first, geometry, prompts).candidates[0].logits
    other = decoder.decode(first, geometry, prompts).candidates[1].logits
    fresh = decoder.decode(embedding, geometry, prompts, hint.copy())
    for image, given in (
        (first, hint),
        (second, hint),
        (first, other),
        (first, None),
        (first, hint),
        (first, hint),
    ):
        answer = decoder.decode(image, geometry, prompts, given)
    assert_same(answer, fresh)


def test_an_answer_holds_all_tokens(decoder, embedding, photo):
    answer = decoder.decode(embedding, geometry_of(photo), prompts_on(photo)["box"])
    assert len(answer.tokens) == 4
    assert answer.candidates[0] is answer.tokens[0]
    assert {id(candidate) for candidate in answer.candidates} < {id(token) for token in answer.tokens}


def assert_same(first: Answer, second: Answer) -> None:
    for one, other in zip(first.tokens, second.tokens, strict=True):
        assert np.abs(one.logits - other.logits).max() < LIMIT
        assert abs(one.predicted_iou - other.predicted_iou) < LIMIT
