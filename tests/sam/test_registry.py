import hashlib
import re

import pytest

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.digests import digest, sha256_of, xxh128_of
from cellsam_desktop.sam.known_models import ARCHITECTURES, KNOWN_MODELS
from cellsam_desktop.sam.registry import ModelRegistry


@pytest.fixture
def registry(tmp_path) -> ModelRegistry:
    folder = tmp_path / "models"
    folder.mkdir()
    return ModelRegistry(folder)


@pytest.fixture
def own_file(tmp_path):
    file = tmp_path / "mine.pth"
    file.write_bytes(b"weights")
    return file


def test_all_models_of_the_family_are_known(registry):
    names = [spec.name for spec in registry.specs()]
    assert names[0] == "vit_t"
    assert {"vit_b", "vit_l", "vit_h", "vit_t_lm", "vit_b_lm", "vit_l_lm", "vit_b_em_organelles"} < set(names)


@pytest.mark.parametrize("spec", KNOWN_MODELS, ids=lambda spec: spec.name)
def test_known_models_can_be_fetched_and_checked(spec):
    assert spec.architecture in ARCHITECTURES
    assert spec.urls
    assert all(url.startswith("https://") for url in spec.urls)
    assert spec.licence
    assert spec.sha256 is None or re.fullmatch("[0-9a-f]{64}", spec.sha256)
    assert re.fullmatch("[0-9a-f]{32}", spec.xxh128 or "")
    assert (spec.sha256 is None) == (spec.size is None)


def test_files_do_not_collide():
    names = [spec.filename for spec in KNOWN_MODELS]
    assert len(set(names)) == len(names)


def test_the_default_weights_are_those_that_are_listed(weights):
    spec = KNOWN_MODELS[0]
    assert (weights.stat().st_size, digest(weights)) == (spec.size, spec.sha256)
    assert xxh128_of(weights) == spec.xxh128


def test_unknown_models_are_named_with_the_known_ones(registry):
    with pytest.raises(ModelError, match="no model called 'vit_x': choose one of vit_t, vit_b"):
        registry.get("vit_x")


def test_a_model_that_is_not_here_has_no_path(registry):
    assert registry.path("vit_b") is None


def test_an_added_model_stays(registry, own_file):
    spec = registry.add("mine", own_file, "vit_b")
    again = ModelRegistry(registry.models_dir)
    assert again.get("mine") == spec
    path = again.path("mine")
    assert path is not None
    assert path.read_bytes() == b"weights"
    assert spec.sha256 == hashlib.sha256(b"weights").hexdigest()
    own_file.unlink()
    assert again.path("mine") == path


def test_a_removed_model_is_gone(registry, own_file):
    registry.add("mine", own_file, "vit_b")
    registry.remove("mine")
    assert [file.name for file in registry.models_dir.iterdir()] == ["models.json"]
    with pytest.raises(ModelError, match="no model called 'mine'"):
        ModelRegistry(registry.models_dir).get("mine")


def test_a_removed_known_model_can_be_fetched_again(registry):
    registry.target(registry.get("vit_b")).write_bytes(b"x")
    registry.remove("vit_b")
    assert registry.path("vit_b") is None
    assert registry.get("vit_b").urls


def test_nothing_to_remove_is_said(registry):
    with pytest.raises(ModelError, match="vit_b is not on this computer"):
        registry.remove("vit_b")


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 65])
def test_odd_names_are_refused(registry, own_file, name):
    with pytest.raises(ModelError, match="cannot be called"):
        registry.add(name, own_file, "vit_b")


@pytest.mark.parametrize("name", ["vit_t", "mine"])
def test_names_are_taken_once(registry, own_file, name):
    registry.add("mine", own_file, "vit_b")
    with pytest.raises(ModelError, match="already a model called"):
        registry.add(name, own_file, "vit_b")


def test_unknown_architectures_are_refused(registry, own_file):
    with pytest.raises(ModelError, match="'vit_x' is not known"):
        registry.add("mine", own_file, "vit_x")


def test_a_missing_file_is_named(registry, tmp_path):
    with pytest.raises(ModelError, match=r"no file .*none\.pth"):
        registry.add("mine", tmp_path / "none.pth", "vit_b")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"models": [{"name": "x"}]}', '{"models": [3]}'])
def test_a_broken_list_is_named(registry, text):
    (registry.models_dir / "models.json").write_text(text)
    with pytest.raises(ModelError, match=r"models\.json cannot be read"):
        registry.specs()


def test_a_digest_follows_the_file(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    assert digest(file) == sha256_of(file)
    file.write_bytes(b"another")
    assert digest(file) == hashlib.sha256(b"another").hexdigest()
    file.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        digest(file)
