"""Waiting on a job's thread for what another thread does, without becoming deaf to Cancel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from cellsam_desktop.jobs.post import Post

T = TypeVar("T")

_LOOK_UP_S = 0.05


def wait(future: Future[T], check: Callable[[], None]) -> T:
    """The result of ``future``, or its error; ``check`` is called now and then and may raise to give up."""
    while True:
        check()
        try:
            return future.result(timeout=_LOOK_UP_S)
        except TimeoutError:
            if future.done():  # the work itself raised it
                raise


def on_main_thread(post: Post, function: Callable[[], T]) -> Future[T]:
    """Run ``function`` on the main thread soon; any thread may call."""
    future: Future[T] = Future()
    post(partial(_resolve, future, function))
    return future


def _resolve(future: Future[T], function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - raised again where the result is waited for
        future.set_exception(error)
    else:
        future.set_result(result)
