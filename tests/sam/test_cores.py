"""The core that ONNX Runtime leaves to its caller."""

import os
from collections.abc import Iterator

import numpy as np
import pytest
from onnxruntime import OrtValue

from cellsam_desktop.sam.cores import beside_workers, first_core, for_onnx_runtime, processors, tie, usable
from cellsam_desktop.sam.sessions import DecoderSession

EMBEDDING = OrtValue.ortvalue_from_numpy(np.zeros((256, 4096), np.float32))

needs_affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system ties no thread to a core"
)


@pytest.mark.parametrize(
    ("text", "expected"), [("0\n", {0}), ("0-1\n", {0, 1}), ("0,4", {0, 4}), ("0-1,8-9", {0, 1, 8, 9})]
)
def test_a_list_of_processors_is_read(text: str, expected: set[int]) -> None:
    assert processors(text) == expected


@needs_affinity
def test_a_thread_stays_on_the_first_core_for_a_while() -> None:
    before = os.sched_getaffinity(0)
    with beside_workers():
        inside = os.sched_getaffinity(0)
    assert inside == (before & first_core() or before)
    assert os.sched_getaffinity(0) == before


@needs_affinity
def test_a_thread_that_may_not_use_the_first_core_stays_where_it_is() -> None:
    before = os.sched_getaffinity(0)
    others = before - first_core()
    if not others:
        pytest.skip("this machine has one core")
    os.sched_setaffinity(0, others)
    try:
        with beside_workers():
            assert os.sched_getaffinity(0) == others
        assert os.sched_getaffinity(0) == others
    finally:
        os.sched_setaffinity(0, before)


@needs_affinity
def test_an_error_frees_the_thread_again() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(ValueError, match="failed"), beside_workers():
        raise ValueError("failed")
    assert os.sched_getaffinity(0) == before


@needs_affinity
def test_a_thread_that_may_not_be_tied_stays_where_it_is() -> None:
    before = os.sched_getaffinity(0)
    assert not tie({1 << 14})  # a processor that no machine has is refused as all would be in a sandbox
    assert os.sched_getaffinity(0) == before


@pytest.fixture
def one_core() -> Iterator[set[int]]:
    """The thread may use one processor only, as all of a program may in some containers."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield {max(before)}
    os.sched_setaffinity(0, before)


@needs_affinity
def test_a_session_has_no_more_threads_than_processors_it_may_use(exported, one_core) -> None:
    threads = len(os.listdir("/proc/self/task"))
    session = DecoderSession(exported.image, None, ["CPUExecutionProvider"])
    assert len(os.listdir("/proc/self/task")) == threads
    assert (usable(), for_onnx_runtime(None), for_onnx_runtime(3)) == (1, 1 if os.cpu_count() != 1 else 0, 3)
    places = []

    def names():
        places.append(os.sched_getaffinity(0))
        yield "source"

    session.run(names(), {"embedding": EMBEDDING})
    assert places == [one_core]  # nothing is tied, so nothing has to make room


@needs_affinity
@pytest.mark.parametrize("threads", [None, 1])
def test_only_a_session_with_helpers_runs_on_the_first_core(exported, threads) -> None:
    session = DecoderSession(exported.image, threads, ["CPUExecutionProvider"])
    before, places = os.sched_getaffinity(0), []

    def names():
        places.append(os.sched_getaffinity(0))  # asked for where the graph runs
        yield "source"

    session.run(names(), {"embedding": EMBEDDING})
    assert places == [before & first_core() or before if threads is None else before]
    assert os.sched_getaffinity(0) == before
