"""Downloads over HTTP that go on where an earlier one broke off."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests

from cellsam_desktop.core.errors import Cancelled

Progress = Callable[[int, int | None], None]
Cancel = Callable[[], bool]

_BLOCK = 1 << 18
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces
_TRIES = 3
_log = logging.getLogger(__name__)


class SourceFailed(Exception):
    """A source gave nothing usable; ``str`` is a clause without capital or full stop."""


class _BrokeOff(SourceFailed):
    """The connection ended early; trying again goes on from there."""


def download(url: str, part: Path, *, progress: Progress | None = None, cancel: Cancel | None = None) -> None:
    """Fetch ``url`` into ``part``, going on after the bytes that ``part`` has already.

    ``progress`` receives the bytes there are and the bytes there will be (None if the server does not say).
    Whether the bytes are the right ones is for the caller to check.

    Raises:
        SourceFailed: the server cannot be reached, refuses, or breaks off; ``part`` keeps what came.
        Cancelled: ``cancel`` returned True; ``part`` keeps what came.
        OSError: ``part`` cannot be written.
    """
    for attempt in range(1, _TRIES + 1):
        had = _size(part)
        try:
            _download_once(url, part, progress, cancel)
            return
        except _BrokeOff:
            if attempt == _TRIES or _size(part) <= had:
                raise
            _log.info("going on with %s after %d bytes", url, _size(part))


def _download_once(url: str, part: Path, progress: Progress | None, cancel: Cancel | None) -> None:
    host, start = urlsplit(url).netloc, _size(part)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            if answer.status_code == requests.codes.range_not_satisfiable:
                return  # everything is here already, or the caller's check will say otherwise
            if not answer.ok:
                raise SourceFailed(f"{host} answered {answer.status_code} {answer.reason}")
            if answer.status_code != requests.codes.partial_content:
                start = 0
            total = _total(answer, start)
            done = _receive(answer, part, start, total, progress, cancel)
    except requests.exceptions.ChunkedEncodingError as error:
        raise _BrokeOff(f"the connection to {host} broke off") from error
    except requests.exceptions.SSLError as error:
        raise SourceFailed(f"the certificate of {host} is not trusted") from error
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        if _size(part) > start:
            raise _BrokeOff(f"the connection to {host} broke off") from error
        raise SourceFailed(f"{host} cannot be reached") from error
    except requests.exceptions.RequestException as error:
        raise SourceFailed(f"{host} gave no usable answer") from error
    if total is not None and done < total:
        raise _BrokeOff(f"{host} sent only {done:,} of {total:,} bytes")


def _receive(
    answer: requests.Response,
    part: Path,
    done: int,
    total: int | None,
    progress: Progress | None,
    cancel: Cancel | None,
) -> int:
    with part.open("ab" if done else "wb") as file:
        for block in answer.iter_content(_BLOCK):
            if cancel is not None and cancel():
                raise Cancelled("The download was cancelled.")
            file.write(block)
            done += len(block)
            if progress is not None:
                progress(done, total)
    return done


def _total(answer: requests.Response, start: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
