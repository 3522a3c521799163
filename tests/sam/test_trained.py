import json
import shutil
from pathlib import Path

import pytest

from cellsam_desktop import paths
from cellsam_desktop.core.decoder_scores import KindScores, Scores
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.decoder_files import EXPORT_VERSION, DecoderFiles
from cellsam_desktop.sam.trained import TrainedDecoders, read_decoder, title_of

SCORES = Scores(2, 9, {"point": KindScores((0.5, 0.7), (0.6, 0.8), {0.8: 2.0}, {0.8: 0.5})})


@pytest.fixture
def run(exported: DecoderFiles, tmp_path: Path) -> Path:
    """A folder as a training run leaves it, with MobileSAM's own decoder in it."""
    folder = tmp_path / "run 1"
    shutil.copytree(exported.folder, folder)
    manifest = json.loads(exported.manifest.read_text(encoding="utf-8"))
    manifest |= {"base": "vit_t", "title": "Mitochondria", "before": SCORES.to_json()}
    manifest |= {"after": SCORES.to_json(), "better": True}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for name in ("decoder.safetensors", "report.html", "state.pt"):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_a_run_is_read_with_its_numbers(run):
    found = read_decoder(run)
    assert (found.title, found.base, found.better) == ("Mitochondria", "vit_t", True)
    assert found.before == found.after == SCORES
    assert found.report == run / "report.html"


def test_an_adopted_decoder_needs_the_run_no_more(run):
    store = TrainedDecoders()
    added = store.add(run)
    shutil.rmtree(run)
    assert added.name == "mitochondria"
    assert store.entries() == [added]
    assert added.files.folder == paths.data_dir() / "trained" / "mitochondria"
    kept = {file.name for file in added.files.folder.iterdir()}
    assert "state.pt" not in kept
    assert {"decoder.onnx", "decoder.safetensors", "report.html"} <= kept


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("  Neurons,\n day 2 ", "Neurons, day 2"),
        ("x" * 100, "x" * 80),
        ("--help", "help"),
        ("a\x07b\udcff", "ab"),
        ("- ", "decoder"),
        ("", "decoder"),
    ],
)
def test_any_name_gives_a_title(name, title):
    assert title_of(name) == title


def test_a_run_with_a_long_title_can_be_adopted(run):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    (run / "manifest.json").write_text(json.dumps({**manifest, "title": "x" * 100}), encoding="utf-8")
    store = TrainedDecoders()
    assert store.add(run).title == "x" * 80
    with pytest.raises(ModelError, match="needs a title"):
        store.add(run, "x" * 81)


def test_names_stay_unique_and_titles_can_change(run):
    store = TrainedDecoders()
    first, second = store.add(run), store.add(run, "Mitochondria")
    assert (first.name, second.name) == ("mitochondria", "mitochondria-2")
    renamed = store.rename(second.name, "  Neurons,\n day 2 ")
    assert (renamed.name, renamed.title) == ("mitochondria-2", "Neurons, day 2")
    assert store.get("Neurons, day 2") == renamed
    assert store.get("mitochondria") == first


def test_two_of_one_title_are_told_apart_by_name(run):
    store = TrainedDecoders()
    store.add(run, "Same title")
    store.add(run, "Same title")
    with pytest.raises(ModelError, match="name one of same-title, same-title-2"):
        store.get("Same title")


def test_a_decoder_can_be_handed_on_and_removed(run, tmp_path):
    store = TrainedDecoders()
    name = store.add(run).name
    copied = store.copy_to(name, tmp_path / "for a friend")
    store.remove(name)
    assert store.entries() == []
    assert (store.restore().name, len(store.entries())) == (name, 1)
    with pytest.raises(ModelError, match="no removed decoder"):
        store.restore()
    store.remove(name)
    assert TrainedDecoders(tmp_path / "elsewhere").add(copied.files.folder).after == SCORES
    with pytest.raises(ModelError, match="is in use"):
        TrainedDecoders(tmp_path / "elsewhere").copy_to(name, tmp_path / "for a friend")


def test_what_is_missing_is_said(tmp_path, run):
    store = TrainedDecoders()
    with pytest.raises(ModelError, match="none at all"):
        store.get("mine")
    with pytest.raises(ModelError, match="holds no decoder"):
        store.add(tmp_path)
    with pytest.raises(ModelError, match="needs a title"):
        store.add(run, " ")
    assert store.entries() == []
    store.add(run)
    with pytest.raises(ModelError, match="choose one of mitochondria"):
        store.remove("yours")


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"weights_sha256": 1, "export_version": "x"}'])
def test_a_broken_one_hides_no_other(run, broken, caplog):
    store = TrainedDecoders()
    good, bad = store.add(run), store.add(run, "Broken")
    bad.files.manifest.write_text(broken, encoding="utf-8")
    assert store.entries() == [good]
    assert "cannot be read" in caplog.text


def test_one_of_another_version_asks_for_a_new_export(run):
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["export_version"] = EXPORT_VERSION - 1
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelError, match="cellsam-train export"):
        read_decoder(run)
