from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.devices import EXACT_CUDA
from cellsam_desktop.core.errors import WorkerError
from cellsam_desktop.sam.embedding_cache import FILE_BYTES, SHAPE, EmbeddingCache, embedding_key


def embedding(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)


def age(cache: EmbeddingCache, key: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(cache.folder / f"{key}.npy", (then, then))


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "embeddings", 10 * FILE_BYTES)


def test_gives_back_what_was_put_as_read_only_float16(cache):
    cache.put("a", embedding())
    stored = cache.get("a")
    assert isinstance(stored, np.memmap)
    assert stored.dtype == np.float16
    assert not stored.flags.writeable
    np.testing.assert_array_equal(stored, embedding().astype(np.float16))
    assert cache.has("a")
    assert cache.size_bytes() == FILE_BYTES


def test_nothing_is_there_before_the_first_put(cache):
    assert cache.get("a") is None
    assert not cache.has("a")
    assert cache.size_bytes() == 0
    assert cache.evict() == 0
    cache.clear()


@pytest.mark.parametrize("content", [b"", b"no array at all", b"cut"])
def test_a_damaged_file_counts_as_missing_and_is_removed(cache, content):
    cache.put("a", embedding())
    file = cache.folder / "a.npy"
    file.write_bytes(file.read_bytes()[:100_000] if content == b"cut" else content)
    assert not cache.has("a")
    assert cache.get("a") is None
    assert not file.exists()


def test_numbers_that_a_power_cut_left_out_are_noticed(cache):
    cache.put("a", embedding())
    file = cache.folder / "a.npy"
    content = file.read_bytes()
    file.write_bytes(content[:4096] + bytes(len(content) - 4096))
    assert cache.has("a")  # which only looks at the size
    assert cache.get("a") is None
    assert not file.exists()


def test_a_lower_limit_holds_from_the_next_put_on(tmp_path):
    cache = EmbeddingCache(tmp_path, 400 * FILE_BYTES)
    for number in range(30):
        cache.put(str(number), embedding())
    for file in tmp_path.iterdir():
        os.utime(file, (0, 0))  # what is young stays in any case
    cache.limit_bytes = 20 * FILE_BYTES
    cache.put("one more", embedding())
    assert cache.size_bytes() <= 20 * FILE_BYTES


def test_an_array_of_another_shape_counts_as_damaged(cache):
    cache.put("a", embedding())
    np.save(cache.folder / "a.npy", np.zeros((2, 2), np.float16))
    assert cache.get("a") is None
    assert not (cache.folder / "a.npy").exists()


def test_the_least_recently_used_go_first(tmp_path):
    first = EmbeddingCache(tmp_path, 10 * FILE_BYTES)
    for number in range(10):
        first.put(f"k{number}", embedding(number))
        age(first, f"k{number}", 1000 - number)
    later = EmbeddingCache(tmp_path, 10 * FILE_BYTES)
    assert later.get("k0") is not None  # used just now, so no longer the oldest
    later.put("new", embedding(11))
    assert later.has("k0")
    assert later.has("new")
    assert not later.has("k1")
    assert later.has("k9")
    assert later.size_bytes() <= later.limit_bytes


def test_what_was_just_written_or_read_stays_even_beyond_the_limit(tmp_path):
    cache = EmbeddingCache(tmp_path, 2 * FILE_BYTES)
    for number in range(4):
        cache.put(f"k{number}", embedding(number))
        age(cache, f"k{number}", 1000)
    assert all(cache.has(f"k{number}") for number in range(4))
    other_window = EmbeddingCache(tmp_path, 2 * FILE_BYTES)
    other_window.evict()
    assert other_window.size_bytes() <= other_window.limit_bytes


def test_temporary_files_of_a_killed_process_are_cleared_away(cache):
    cache.put("a", embedding())
    left = cache.folder / ".123-b.npy"
    left.write_bytes(b"half")
    cache.limit_bytes = FILE_BYTES
    cache.evict()
    assert left.exists()  # another process may be writing it
    os.utime(left, (1.0, 1.0))
    cache.evict()
    assert not left.exists()


def test_a_full_disk_makes_room_and_tries_again(cache, monkeypatch):
    for number in range(5):
        cache.put(f"k{number}", embedding(number))
        age(cache, f"k{number}", 1000 - number)
    cache = EmbeddingCache(cache.folder, cache.limit_bytes)
    real, calls = np.save, []

    def save(file, data, **options) -> None:
        calls.append(file.write(b"the first bytes still find room"))
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        file.seek(0)
        real(file, data, **options)

    monkeypatch.setattr(np, "save", save)
    cache.put("new", embedding())
    assert cache.has("new")
    assert not cache.has("k0")
    assert cache.has("k4")


def test_a_disk_that_stays_full_is_one_clear_sentence_and_leaves_nothing(cache, monkeypatch):
    def save(file, data, **options) -> None:
        file.write(b"the first bytes still find room")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", save)
    with pytest.raises(WorkerError, match=r"^The disk is full, so no embedding can be kept in .*: make room"):
        cache.put("new", embedding())
    assert list(cache.folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    cache = EmbeddingCache(tmp_path / "file" / "embeddings", 10**9)
    assert cache.get("a") is None
    with pytest.raises(WorkerError, match="cannot be written to"):
        cache.put("a", embedding())


def test_clear_removes_everything(cache):
    cache.put("a", embedding())
    cache.put("b", embedding())
    cache.clear()
    assert cache.size_bytes() == 0


def test_capacity_is_what_stays_after_an_eviction(cache):
    assert cache.capacity == 9
    assert EmbeddingCache(cache.folder, 1).capacity == 1


def test_the_key_depends_on_pixels_shape_and_weights():
    image = np.arange(600, dtype=np.uint32).astype(np.uint8).reshape(10, 20, 3)
    key = embedding_key(image, "weights")
    assert key == embedding_key(image.copy(), "weights")
    assert key == embedding_key(np.asfortranarray(image), "weights")
    changed = image.copy()
    changed[9, 19, 2] ^= 1
    others = {
        embedding_key(changed, "weights"),
        embedding_key(image, "other"),
        embedding_key(image.reshape(20, 10, 3), "weights"),
    }
    assert len(others | {key}) == 4
    assert embedding_key(image, "weights", "cuda") == embedding_key(image, "weights", "cpu") == key


def test_what_was_computed_in_float16_does_not_serve_where_float32_is_wanted():
    image = np.zeros((10, 20, 3), np.uint8)
    assert embedding_key(image, "weights", EXACT_CUDA) != embedding_key(image, "weights", "cuda")
