from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.project import runs
from cellsam_desktop.project.exporters.table import write_table
from cellsam_desktop.project.importers.csv import import_csv
from cellsam_desktop.project.importers.tracks import document_of
from tests.project.made_tracks import SIZES, assert_same, made_document, odd_shape


def write(path, document: Document) -> None:
    rows = [
        [
            cell,
            key.t,
            key.z,
            document.cell(cell).name,
            document.lineage.mother(cell),
            *runs.columns_of(record.mask),
        ]
        for cell in document.cell_ids
        for key, record in document.track(cell).items()
    ]
    write_table(path, ["id", "frame", "z", "name", "mother", *runs.COLUMNS], rows)


@pytest.mark.parametrize("depth", [1, 3])
def test_what_is_written_is_read_again(tmp_path, depth):
    document = made_document(depth)
    write(tmp_path / "cells.csv", document)
    tracks = import_csv(tmp_path / "cells.csv", (8, depth, 40, 60))
    assert tracks.notes == ()
    assert_same(document, document_of(tracks))


@given(st.integers(0, 2**32), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_runs_keep_any_mask(seed, size):
    mask = odd_shape(3, 4, seed, size)
    back = runs.mask_of(mask.x0, mask.y0, mask.width, mask.height, runs.runs_of(mask))
    assert back is not None
    assert back.same_pixels(mask)


def test_runs_are_easy_to_read():
    mask = Mask.from_array(odd_shape(0, 0, 0).bits[:1] | True, 2, 5)
    assert mask is not None
    assert runs.columns_of(mask) == [5, 2, 7, 1, "0 7"]


@pytest.mark.parametrize("text", ["0 13", "-1 3", "x", "3 4 5 6"])
def test_runs_that_do_not_fit_are_refused(text):
    with pytest.raises(ValueError, match=r"runs|invalid"):
        runs.mask_of(0, 0, 4, 3, text)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_points_become_discs(tmp_path, separator):
    lines = [
        "Frame,ID,X,Y,radius,mother",
        "0,7,10,12,2,",
        "1.0,7,11.4,12,,",
        "2,8,5,6,,7.0",
        "2,9,20,20,1,7",
        "3,9,500,20,1,7",
    ]
    (tmp_path / "points.csv").write_text("\ufeff" + "\n".join(lines).replace(",", separator))
    tracks = import_csv(tmp_path / "points.csv", SIZES)
    assert tracks.divisions == {7: (8, 9)}
    assert tracks.masks[7][PlaneKey(0)].area == 13
    assert tracks.masks[7][PlaneKey(1)].area == pytest.approx(78, abs=6)
    assert tracks.notes == ("1 lines lie outside the image.",)


def test_the_nuclei_of_a_real_embryo_are_read(shared_data):
    tracks = import_csv(shared_data / "celegans" / "centroids.csv", (195, 35, 512, 708))
    assert len(tracks.masks) > 700
    assert max(len(track) for track in tracks.masks.values()) > 20


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read as a table"),
        ("", "no column for frame, id, x and y"),
        ("frame,id\n0,1\n", "no column for x and y"),
        ("frame,id,x,y\n0,one,3,4\n", "Line 2 of cells.csv"),
        ("frame,id,x,y\n0,1,3,4\n0.5,1,3,4\n", "0.5 is no whole number"),
        ("frame,id,x,y\n0,0,3,4\n", "the id 0 is not between"),
        ("frame,id,x,y\n0,1e30,3,4\n", "is not between 1 and"),
        ("frame,id,x,y\n0,1,3\n", "Line 2"),
        ("frame,id,x,y\n0,1,nan,4\n", "Line 2"),
        ("frame,id,x,y\n8,1,3,4\n", "frame 8 at z 0"),
        ("frame,id,box_x,box_y,box_width,box_height,mask\n0,1,0,0,2,2,0 9\n", "runs of 9 pixels"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, content, words):
    if content is not None:
        (tmp_path / "cells.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ExchangeError, match=words):
        import_csv(tmp_path / "cells.csv", SIZES)
