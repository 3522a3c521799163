"""The little of Thrift's compact protocol that a Parquet file needs (THRIFT-110, its specification)."""

from __future__ import annotations

from collections.abc import Iterable

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12

Field = tuple[int, int, bytes]
"""Number, type and encoded value of a field of a struct."""


def i32(number: int, value: int) -> Field:
    """A 32-bit field."""
    return number, I32, zigzag(value)


def i64(number: int, value: int) -> Field:
    """A 64-bit field."""
    return number, I64, zigzag(value)


def text(number: int, value: str) -> Field:
    """A string field."""
    return number, BINARY, string(value)


def nested(number: int, *fields: Field) -> Field:
    """A field that is a struct."""
    return number, STRUCT, struct(*fields)


def several(number: int, kind: int, values: Iterable[bytes]) -> Field:
    """A field that is a list of encoded values of one type."""
    encoded = list(values)
    size = len(encoded)
    head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + varint(size)
    return number, LIST, head + b"".join(encoded)


def struct(*fields: Field) -> bytes:
    """Fields in ascending order of their numbers, which differ by less than 16."""
    encoded, last = bytearray(), 0
    for number, kind, value in fields:
        encoded.append((number - last) << 4 | kind)
        encoded += value
        last = number
    return bytes(encoded) + b"\0"


def string(value: str) -> bytes:
    """Length and UTF-8."""
    data = value.encode()
    return varint(len(data)) + data


def zigzag(value: int) -> bytes:
    """A signed number, small ones short."""
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def varint(value: int) -> bytes:
    """An unsigned number, seven bits to a byte, the lowest first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
