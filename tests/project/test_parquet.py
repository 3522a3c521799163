"""Parquet files as the format's own library reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.project.exporters import parquet
from cellsam_desktop.project.exporters.table import write_columns


@dataclass(frozen=True)
class Column:
    name: str
    kind: type


COLUMNS = [Column("id", int), Column("area_um²", float), Column("name", str)]
VALUES = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
)


def read(path: Path) -> list[tuple]:
    table = pyarrow.parquet.read_table(path)
    assert table.column_names == [column.name for column in COLUMNS]
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "string"]
    return [tuple(row.values()) for row in table.to_pylist()]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(VALUES, max_size=40))
def test_what_is_written_is_read(tmp_path_factory, rows: list[tuple]):
    path = tmp_path_factory.mktemp("table") / "cells.parquet"
    write_columns(path, COLUMNS, rows, as_parquet=True)
    assert read(path) == rows


def test_more_rows_than_a_group_holds(tmp_path: Path):
    rows = [(i, i / 7 if i % 3 else None, f"cell {i}") for i in range(parquet.ROWS_PER_GROUP + 1000)]
    write_columns(tmp_path / "cells.parquet", COLUMNS, iter(rows), as_parquet=True)
    assert read(tmp_path / "cells.parquet") == rows
    assert pyarrow.parquet.ParquetFile(tmp_path / "cells.parquet").num_row_groups == 2


def test_numbers_that_are_none(tmp_path: Path):
    write_columns(
        tmp_path / "cells.parquet", COLUMNS, [(1, math.nan, ""), (2, math.inf, "µ")], as_parquet=True
    )
    [(_, nan, _), (_, infinite, name)] = read(tmp_path / "cells.parquet")
    assert math.isnan(nan)
    assert (infinite, name) == (math.inf, "µ")


def test_many_columns(tmp_path: Path):
    columns = [Column(f"c{i}", (int, float, str)[i % 3]) for i in range(40)]
    row = [(1, 0.5, "x")[i % 3] for i in range(40)]
    write_columns(tmp_path / "wide.parquet", columns, [row], as_parquet=True)
    assert pyarrow.parquet.read_table(tmp_path / "wide.parquet").to_pylist() == [
        {column.name: value for column, value in zip(columns, row, strict=True)}
    ]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "cells.parquet"
    write_columns(path, COLUMNS, [(1, 1.0, "a")], as_parquet=True)

    def rows():
        yield (2, 2.0, "b")
        raise OSError(28, "No space left on device")

    with pytest.raises(ExchangeError, match="make room"):
        write_columns(path, COLUMNS, rows(), as_parquet=True)
    assert read(path) == [(1, 1.0, "a")]
