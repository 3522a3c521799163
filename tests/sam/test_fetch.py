import errno
import hashlib
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
import xxhash

from cellsam_desktop import paths
from cellsam_desktop.core.errors import Cancelled, ModelError
from cellsam_desktop.sam import download as download_module
from cellsam_desktop.sam.fetch import fetch
from cellsam_desktop.sam.known_models import ModelSpec
from cellsam_desktop.sam.registry import ModelRegistry

BLOCK = 1 << 18  # how the downloader reads
CONTENT = os.urandom(11 * BLOCK + 12_345)


@pytest.fixture
def server(serve):
    return serve(CONTENT)


@pytest.fixture
def registry() -> ModelRegistry:
    return ModelRegistry()


@pytest.fixture
def spec(server) -> ModelSpec:
    return ModelSpec(
        name="mine",
        architecture="vit_b",
        title="A model",
        urls=(server.url,),
        filename="mine.pth",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="CC0",
    )


def part_of(spec: ModelSpec) -> Path:
    return paths.cache_dir() / "downloads" / f"{spec.filename}.part"


def left_over(registry: ModelRegistry) -> list[str]:
    return sorted(file.name for file in registry.models_dir.iterdir())


def nothing_stays(registry: ModelRegistry, spec: ModelSpec) -> bool:
    return not left_over(registry) and not part_of(spec).exists()


def test_a_download_ends_in_the_models_folder(server, registry, spec):
    seen: list[tuple[int, int | None]] = []
    path = fetch(spec, registry, progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert left_over(registry) == ["mine.pth"]
    assert not part_of(spec).exists()
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_is_here_is_not_fetched_again(server, registry, spec):
    fetch(spec, registry)
    fetch(spec, registry)
    assert len(server.asked) == 1


def test_a_damaged_file_is_fetched_again(server, registry, spec):
    registry.target(spec).write_bytes(b"damaged")
    assert fetch(spec, registry).read_bytes() == CONTENT


def test_a_connection_that_breaks_off_is_gone_on_with(server, registry, spec):
    server.cut_after = [4 * BLOCK, 2 * BLOCK]
    assert fetch(spec, registry).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={4 * BLOCK}-", f"bytes={6 * BLOCK}-"]


def test_an_earlier_download_is_gone_on_with(server, registry, spec):
    part_of(spec).parent.mkdir(parents=True)
    part_of(spec).write_bytes(CONTENT[:2_000_000])
    assert fetch(spec, registry).read_bytes() == CONTENT
    assert server.asked == ["bytes=2000000-"]


def test_a_finished_download_in_the_cache_needs_no_network(server, registry, spec):
    part_of(spec).parent.mkdir(parents=True)
    part_of(spec).write_bytes(CONTENT)
    assert fetch(spec, registry).read_bytes() == CONTENT
    assert server.asked == []


def test_a_server_without_ranges_begins_again(server, registry, spec):
    server.ranges = False
    server.cut_after = [1_000_000]
    assert fetch(spec, registry).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [100, len(CONTENT), len(CONTENT) + 1])
def test_a_wrong_piece_in_the_cache_is_thrown_away(server, registry, spec, length):
    part_of(spec).parent.mkdir(parents=True)
    part_of(spec).write_bytes(bytes(length))
    assert fetch(spec, registry).read_bytes() == CONTENT


def test_a_connection_that_keeps_breaking_off_is_said_and_the_piece_kept(server, registry, spec):
    server.cut_after = [2 * BLOCK] * 4
    with pytest.raises(ModelError, match=r"mine could not be fetched \(.*(broke off|sent only)") as raised:
        fetch(spec, registry)
    assert one_sentence(raised.value)
    assert left_over(registry) == []
    assert part_of(spec).read_bytes() == CONTENT[: 6 * BLOCK]


def test_wrong_content_is_refused(serve, registry, spec):
    other = serve(bytes(len(CONTENT)))
    with pytest.raises(ModelError, match="wrong checksum") as raised:
        fetch(replace(spec, urls=(other.url,)), registry)
    assert one_sentence(raised.value)
    assert nothing_stays(registry, spec)


def test_content_cut_short_at_the_source_is_refused(serve, registry, spec):
    other = serve(CONTENT[:-1])
    with pytest.raises(ModelError, match="is cut short"):
        fetch(replace(spec, urls=(other.url,)), registry)
    assert nothing_stays(registry, spec)


def test_weights_may_be_known_by_xxh128_alone(serve, registry, spec):
    known = replace(spec, size=None, sha256=None, xxh128=xxhash.xxh128_hexdigest(CONTENT))
    assert fetch(known, registry).read_bytes() == CONTENT
    other = serve(CONTENT + b"x")
    with pytest.raises(ModelError, match="wrong checksum"):
        fetch(replace(known, urls=(other.url,), filename="other.pth"), registry)


def test_weights_without_any_checksum_are_never_pieced_together(server, registry, spec):
    unknown = replace(spec, size=None, sha256=None)
    part_of(unknown).parent.mkdir(parents=True)
    part_of(unknown).write_bytes(b"of another version")
    assert fetch(unknown, registry).read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_missing_length_does_not_matter(server, registry, spec):
    server.states_length = False
    assert fetch(spec, registry).read_bytes() == CONTENT


def test_the_next_address_is_tried(server, registry, spec):
    assert fetch(replace(spec, urls=(unreachable(), server.url)), registry).read_bytes() == CONTENT


def test_no_network_is_said(registry, spec):
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:\d+ cannot be reached.*--file mine\.pth") as raised:
        fetch(replace(spec, urls=(unreachable(),)), registry)
    assert one_sentence(raised.value)
    assert nothing_stays(registry, spec)


def test_an_error_of_the_server_is_said(server, registry, spec):
    server.status = 404
    with pytest.raises(ModelError, match="answered 404 Not Found"):
        fetch(spec, registry)
    assert nothing_stays(registry, spec)


def test_cancelling_keeps_the_piece(server, registry, spec):
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        fetch(spec, registry, cancel=lambda: next(calls))
    assert left_over(registry) == []
    kept = part_of(spec).stat().st_size
    assert 0 < kept < len(CONTENT)
    assert fetch(spec, registry).read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={kept}-"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said_while_downloading(server, registry, spec):
    part_of(spec).parent.mkdir(parents=True)
    part_of(spec).symlink_to("/dev/full")
    with pytest.raises(ModelError, match=r"The disk is full, so mine\.pth was not stored") as raised:
        fetch(spec, registry)
    assert one_sentence(raised.value)
    assert nothing_stays(registry, spec)


def test_a_full_disk_is_said_while_copying(registry, spec, tmp_path, monkeypatch):
    file = tmp_path / "given.pth"
    file.write_bytes(CONTENT)

    def full(reader, writer, _block):
        writer.write(reader.read(1000))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(ModelError, match=r"The disk is full, so mine\.pth was not stored"):
        fetch(spec, registry, file=file)
    assert left_over(registry) == []


def test_a_given_file_is_taken_and_kept(server, registry, spec, tmp_path):
    file = tmp_path / "given.pth"
    file.write_bytes(CONTENT)
    assert fetch(spec, registry, file=file).read_bytes() == CONTENT
    assert file.exists()
    assert server.asked == []


@pytest.mark.parametrize(
    ("content", "words"), [(CONTENT[:-5], "is cut short"), (bytes(len(CONTENT)), "wrong checksum")]
)
def test_a_wrong_given_file_is_refused(registry, spec, tmp_path, content, words):
    file = tmp_path / "given.pth"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=rf"given\.pth .*{words}.*not the model mine") as raised:
        fetch(spec, registry, file=file)
    assert one_sentence(raised.value)
    assert left_over(registry) == []


def test_a_missing_given_file_is_named(registry, spec, tmp_path):
    with pytest.raises(ModelError, match=r"There is no file .*none\.pth"):
        fetch(spec, registry, file=tmp_path / "none.pth")


def test_tries_are_counted(server, registry, spec, monkeypatch):
    monkeypatch.setattr(download_module, "_TRIES", 1)
    server.cut_after = [10]
    with pytest.raises(ModelError):
        fetch(spec, registry)
    assert len(server.asked) == 1


def one_sentence(error: ModelError) -> bool:
    text = str(error)
    return text.endswith(".") and ". " not in text and "\n" not in text


def unreachable() -> str:
    """An address on this computer where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/weights.pt"
