"""How the worker ends, begins again, and gets along without PyTorch or model: real processes all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest

from cellsam_desktop.jobs.worker_process import worker_command
from tests.jobs.helpers import LONG, is_running, movie_ref, target, write_movie

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def wait_until_gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(pid)


@POSIX
def test_killed_twice_at_one_frame_it_leaves_that_frame_out_and_encodes_the_rest(
    encoded_movie, start_client, post, tmp_path
):
    config = replace(encoded_movie.config, embeddings_dir=tmp_path / "embeddings")
    client, said = start_client(config)
    client.open_movie(movie_ref(write_movie(tmp_path / "movie.tif", 2)))
    client.set_queue([target(0), target(1)])
    for _ in range(2):
        assert post.wait_for(lambda: client.state.kind == "encoding", LONG), client.state
        victim = client.pid
        os.kill(victim, signal.SIGKILL)
        assert post.wait_for(lambda victim=victim: client.pid not in (None, victim), LONG)
    assert post.wait_for(lambda: target(1) in said.encoded, LONG), client.state
    assert list(said.failed) == [target(0)]
    assert said.failed[target(0)].startswith("The encoder stopped twice at this frame (")
    assert said.encoded == [target(1)]
    assert said.states.count("starting") == 3
    # Opened again, the frame gets another chance, and the worker can be stopped in the middle of it.
    client.open_movie(movie_ref(tmp_path / "movie.tif"))
    client.set_queue([target(0)])
    assert post.wait_for(lambda: client.state.kind == "encoding", LONG)
    pid = client.pid
    begun = time.monotonic()
    client.stop()
    assert time.monotonic() - begun < 1
    assert not is_running(pid)
    post.pump()
    assert client.state.kind == "stopped"
    assert said.encoded == [target(1)]


@POSIX
def test_dies_with_its_parent_even_while_encoding(encoded_movie, tmp_path):
    """The parent is killed, so that it can tidy up nothing."""
    movie = write_movie(tmp_path / "movie.tif", 20)
    config = replace(encoded_movie.config, embeddings_dir=tmp_path / "embeddings")
    program = textwrap.dedent(f"""
        import sys
        from pathlib import Path, PosixPath
        from cellsam_desktop.jobs.encoder_client import EncoderClient
        from cellsam_desktop.jobs.post import PostQueue
        from cellsam_desktop.jobs.targets import WorkerConfig
        from tests.jobs.helpers import LONG, movie_ref, target
        post = PostQueue()
        client = EncoderClient(post, {config!r})
        client.start()
        client.open_movie(movie_ref(Path({str(movie)!r})))
        client.set_queue([target(t) for t in range(20)])
        assert post.wait_for(lambda: client.state.kind == "encoding", LONG)
        print(client.pid, flush=True)
        post.wait_for(lambda: False, LONG)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    assert wait_until_gone(pid, 5)


def test_stops_at_once_while_the_model_is_loaded(encoded_movie, start_client, post):
    client, _ = start_client(encoded_movie.config)
    assert post.wait_for(lambda: client.state.kind == "loading", LONG)
    pid = client.pid
    begun = time.monotonic()
    client.stop()
    assert time.monotonic() - begun < 1
    assert not is_running(pid)


@pytest.fixture
def broken_pytorch(tmp_path, monkeypatch):
    """What libraries print on stdout while they fail must not disturb the conversation either."""
    (tmp_path / "torch.py").write_text(
        "import os\nprint('noise')\nos.write(1, b'more noise\\n')\nraise OSError('WinError 1114: c10.dll')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("broken_pytorch")
def test_without_pytorch_the_cpu_encodes(encoded_movie, start_client, post, tmp_path):
    client, said = start_client(encoded_movie.config)
    client.open_movie(movie_ref(encoded_movie.movie))
    client.set_queue([target(t) for t in range(3)])
    assert post.wait_for(lambda: len(said.encoded) == 3, LONG), client.state
    assert said.keys == encoded_movie.keys
    assert said.decoders == [encoded_movie.decoder]
    client.open_movie(movie_ref(write_movie(tmp_path / "new.tif", 1, seed=5)))
    client.set_queue([target(0)])
    assert post.wait_for(lambda: len(said.encoded) == 4 and client.state.kind == "idle", LONG), client.state
    assert (client.encodes, client.hits) == (1, 3)
    assert client.state.device == "cpu"


@pytest.mark.usefixtures("broken_pytorch")
def test_without_pytorch_a_gpu_is_refused_and_the_cache_still_answers(
    encoded_movie, start_client, post, tmp_path
):
    client, said = start_client(replace(encoded_movie.config, device="cuda"))
    client.open_movie(movie_ref(encoded_movie.movie))
    client.set_queue([target(t) for t in range(3)])
    assert post.wait_for(lambda: client.state.kind == "broken" and len(said.encoded) == 3, LONG), client.state
    assert (client.encodes, client.hits) == (0, 3)
    assert client.state.message == (
        "New frames cannot be encoded, because PyTorch does not start (WinError 1114: c10.dll): "
        "run `cellsam-desktop doctor` to see what mends it."
    )
    client.open_movie(movie_ref(write_movie(tmp_path / "new.tif", 1, seed=6)))
    client.set_queue([target(0)])
    assert not post.wait_for(lambda: bool(said.failed) or len(said.encoded) > 3, 0.5)  # it waits
    assert client.pid is not None


def test_without_the_model_it_says_so_and_still_answers_from_the_cache(
    encoded_movie, start_client, post, tmp_path
):
    client, said = start_client(replace(encoded_movie.config, models_dir=tmp_path))
    client.open_movie(movie_ref(encoded_movie.movie))
    client.set_queue([target(0)])
    assert post.wait_for(lambda: client.state.kind == "broken" and bool(said.encoded), LONG), client.state
    assert client.state.message == (
        "The model vit_t is not on this computer: fetch it with `cellsam-desktop models fetch vit_t`."
    )
    client.set_model("no_such_model")
    assert post.wait_for(lambda: "no_such_model" in client.state.message, LONG), client.state


def test_folders_that_cannot_be_written_fail_one_target_and_the_decoder_and_the_rest_waits(
    encoded_movie, start_client, post, tmp_path
):
    (tmp_path / "file").write_text("not a folder")
    folders = {name: tmp_path / "file" / name for name in ("embeddings_dir", "decoders_dir")}
    client, said = start_client(replace(encoded_movie.config, **folders))
    client.open_movie(movie_ref(encoded_movie.movie))
    client.set_queue([target(0), target(1)])
    assert post.wait_for(lambda: bool(said.failed) and client.state.kind == "idle", LONG), client.state
    assert list(said.failed) == [target(0)]
    assert "cannot be written" in said.failed[target(0)]
    assert post.wait_for(lambda: "cannot be stored in" in client.state.message, LONG), client.state
    assert client.state.kind == "idle"
    assert said.encoded == []


def test_a_worker_that_keeps_stopping_is_given_up_until_something_is_changed(
    encoded_movie, start_client, post
):
    client, said = start_client(encoded_movie.config, [sys.executable, "-c", "raise SystemExit(3)"])
    assert post.wait_for(lambda: client.state.kind == "broken", LONG), client.state
    assert said.states == ["starting", "broken"]
    assert client.state.message.startswith("The encoder keeps stopping: it ended with code 3.")
    client.set_device("cpu")
    assert post.wait_for(lambda: client.state.kind == "starting", 5)


def test_a_worker_that_cannot_be_started_is_broken(encoded_movie, start_client, post, tmp_path):
    client, _ = start_client(encoded_movie.config, [str(tmp_path / "nothing")])
    assert post.wait_for(lambda: client.state.kind == "broken", LONG)
    assert client.state.message.startswith("The encoder cannot be started (")


def test_the_worker_does_not_stumble_over_commands_it_does_not_know(weights):
    process = subprocess.run(worker_command(), input=b"what?\n[]\n", capture_output=True, timeout=LONG)
    assert process.returncode == 0
    assert b"A command is not understood" in process.stderr
