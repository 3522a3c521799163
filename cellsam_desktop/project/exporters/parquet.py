"""Apache Parquet tables: whole numbers, floats and texts, any of which may be missing.

The plainest kind of file that the format knows (https://parquet.apache.org/docs/file-format): PLAIN values in
gzip pages, one page per column and group of rows. Libraries that write it take 60 to 170 MB: decision 0212.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, Protocol

import numpy as np

from cellsam_desktop.project.exporters import thrift

MAGIC = b"PAR1"
ROWS_PER_GROUP = 65_536

_INT64, _DOUBLE, _BYTE_ARRAY = 2, 5, 6
_OPTIONAL, _UTF8, _GZIP, _PLAIN, _RLE, _DATA_PAGE = 1, 0, 2, 0, 3, 0
_TYPES: dict[type, int] = {int: _INT64, float: _DOUBLE, str: _BYTE_ARRAY}


class Column(Protocol):
    """A column to write."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def kind(self) -> type[int] | type[float] | type[str]:
        """The type of its values."""
        ...


def write(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table: one sequence of values or None per row, in the order of ``columns``.

    Raises:
        OSError: it cannot be written.
    """
    file.write(MAGIC)
    source, groups, count = iter(rows), [], 0
    while group := list(islice(source, ROWS_PER_GROUP)):
        groups.append(_write_group(file, columns, group))
        count += len(group)
    footer = thrift.struct(
        thrift.i32(1, 1),
        thrift.several(2, thrift.STRUCT, _schema(columns)),
        thrift.i64(3, count),
        thrift.several(4, thrift.STRUCT, groups),
        thrift.text(6, "CellSAM Desktop"),
    )
    file.write(footer + len(footer).to_bytes(4, "little") + MAGIC)


def _schema(columns: Sequence[Column]) -> Iterator[bytes]:
    yield thrift.struct(thrift.text(4, "schema"), thrift.i32(5, len(columns)))
    for column in columns:
        kind = thrift.i32(1, _TYPES[column.kind]), thrift.i32(3, _OPTIONAL), thrift.text(4, column.name)
        yield thrift.struct(*kind, *([thrift.i32(6, _UTF8)] if column.kind is str else []))


def _write_group(file: BinaryIO, columns: Sequence[Column], rows: list[Sequence[Any]]) -> bytes:
    chunks, total = [], 0
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        start, page = file.tell(), _page(column.kind, values)
        packed = _gzip(page)
        header = _page_header(len(page), len(packed), len(values))
        file.write(header + packed)
        about = thrift.nested(
            3,
            thrift.i32(1, _TYPES[column.kind]),
            thrift.several(2, thrift.I32, map(thrift.zigzag, (_PLAIN, _RLE))),
            thrift.several(3, thrift.BINARY, [thrift.string(column.name)]),
            thrift.i32(4, _GZIP),
            thrift.i64(5, len(values)),
            thrift.i64(6, len(header) + len(page)),
            thrift.i64(7, len(header) + len(packed)),
            thrift.i64(9, start),
        )
        chunks.append(thrift.struct(thrift.i64(2, start), about))
        total += len(header) + len(page)
    return thrift.struct(
        thrift.several(1, thrift.STRUCT, chunks), thrift.i64(2, total), thrift.i64(3, len(rows))
    )


def _page_header(size: int, packed: int, values: int) -> bytes:
    data = thrift.nested(5, *(thrift.i32(n, v) for n, v in enumerate((values, _PLAIN, _RLE, _RLE), start=1)))
    return thrift.struct(thrift.i32(1, _DATA_PAGE), thrift.i32(2, size), thrift.i32(3, packed), data)


def _page(kind: type, values: Sequence[Any]) -> bytes:
    """Which values are there, eight to a byte, then those that are."""
    there = np.array([value is not None for value in values])
    groups = np.packbits(there, bitorder="little").tobytes()
    levels = thrift.varint(len(groups) << 1 | 1) + groups
    return len(levels).to_bytes(4, "little") + levels + _plain(kind, [v for v in values if v is not None])


def _plain(kind: type, values: list[Any]) -> bytes:
    if kind is str:
        texts = (value.encode() for value in values)
        return b"".join(len(data).to_bytes(4, "little") + data for data in texts)
    return np.array(values, dtype="<i8" if kind is int else "<f8").tobytes()


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(level=6, wbits=31)
    return packer.compress(data) + packer.flush()
