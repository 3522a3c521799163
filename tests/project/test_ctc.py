from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddTrack
from cellsam_desktop.core.errors import Cancelled, ExchangeError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.project.ctc_table import TrackRow, read_table
from cellsam_desktop.project.exporters.ctc import TRUTH, check_folder, export_ctc
from cellsam_desktop.project.importers.ctc import import_ctc
from cellsam_desktop.project.importers.labels import import_labels
from cellsam_desktop.project.importers.tracks import document_of, settle
from tests.project.made_tracks import CALIBRATION, SIZES, assert_same, made_document


@pytest.mark.parametrize("depth", [1, 3])
def test_what_is_written_is_read_again(tmp_path, depth):
    document, sizes = made_document(depth), (8, depth, 40, 60)
    export_ctc(tmp_path / "01_RES", document, sizes)
    tracks = import_ctc(tmp_path / "01_RES", sizes)
    assert tracks.notes == ()
    assert_same(document, document_of(tracks), names=False)


def test_gaps_are_pieces_with_one_parent(tmp_path):
    export_ctc(tmp_path / "res", made_document(), SIZES)
    rows = {row.label: row for row in read_table(tmp_path / "res" / "res_track.txt")}
    assert rows[20] == TrackRow(20, 0, 1, 0)
    assert rows[32] == TrackRow(32, 4, 5, 20)
    assert rows[33] == TrackRow(33, 7, 7, 32)
    assert (rows[7].parent, rows[9].parent, rows[11].parent) == (2, 2, 7)
    labels = tifffile.imread(tmp_path / "res" / "mask004.tif")
    assert labels.dtype == np.uint16
    assert set(np.unique(labels)) == {0, 7, 9, 32}


def test_a_new_export_replaces_the_old_frames_only(tmp_path):
    export_ctc(tmp_path, made_document(), SIZES)
    (tmp_path / "notes.txt").write_text("mine")
    export_ctc(tmp_path, made_document(), (4, *SIZES[1:]))
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["mask000.tif", "mask001.tif", "mask002.tif", "mask003.tif", "notes.txt", "res_track.txt"]


@pytest.mark.parametrize("spoil", [b"II", None])
def test_masks_of_another_program_are_not_replaced(tmp_path, spoil):
    export_ctc(tmp_path, made_document(), SIZES)
    other = tmp_path / "mask005.tif"
    tifffile.imwrite(other, np.ones((40, 60), np.uint16))
    if spoil:
        other.write_bytes(spoil)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    for write in (lambda: export_ctc(tmp_path, made_document(), SIZES), lambda: check_folder(tmp_path)):
        with pytest.raises(ExchangeError, match=r"mask005\.tif: choose a new or empty folder"):
            write()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_large_ids_are_replaced_too(tmp_path):
    document = Document(CALIBRATION)
    record = MaskRecord(Mask(0, 0, np.ones((2, 2), np.bool_)), Source.CLICK)
    AddTrack(Cell(70_000), {PlaneKey(0): record}).apply(document)
    for frames in (3, 2):
        export_ctc(tmp_path, document, (frames, *SIZES[1:]))
    assert len(list(tmp_path.glob("mask*.tif"))) == 2


def test_ground_truth_is_found_from_above(tmp_path):
    export_ctc(tmp_path / "01_GT" / "TRA", made_document(), SIZES, naming=TRUTH)
    assert (tmp_path / "01_GT" / "TRA" / "man_track007.tif").is_file()
    tracks = import_ctc(tmp_path / "01_GT", SIZES)
    assert_same(made_document(), document_of(tracks), names=False)
    assert import_ctc(tmp_path / "01_GT" / "TRA" / "man_track.txt", SIZES).divisions == tracks.divisions


def test_a_cell_hidden_by_another_is_absent_there(tmp_path):
    document = Document(CALIBRATION)
    large, small = Mask(5, 5, np.ones((9, 9), np.bool_)), Mask(6, 6, np.ones((2, 2), np.bool_))
    records = [MaskRecord(large, Source.BRUSH), MaskRecord(small, Source.CLICK, predicted_iou=0.5)]
    for cell_id, record in enumerate(records, start=1):
        AddTrack(Cell(cell_id), {PlaneKey(0): record}).apply(document)
    export_ctc(tmp_path / "res", document, (1, 1, 40, 60))
    assert read_table(tmp_path / "res" / "res_track.txt") == [TrackRow(1, 0, 0, 0)]


def test_a_cancelled_export_changes_nothing(tmp_path):
    export_ctc(tmp_path / "res", made_document(), SIZES)
    before = {file.name: file.read_bytes() for file in (tmp_path / "res").iterdir()}

    def cancel(fraction: float) -> None:
        if fraction > 0.6:  # while the new files are being written
            raise Cancelled("The export was cancelled.")

    with pytest.raises(Cancelled):
        export_ctc(tmp_path / "res", Document(), SIZES, progress=cancel)
    assert {file.name: file.read_bytes() for file in (tmp_path / "res").iterdir()} == before
    assert [file.name for file in tmp_path.iterdir()] == ["res"]


def test_labels_without_a_table_are_cells(tmp_path):
    export_ctc(tmp_path, made_document(), SIZES)
    (tmp_path / "res_track.txt").unlink()
    tracks = import_ctc(tmp_path, SIZES)
    assert sorted(tracks.masks) == [2, 7, 9, 11, 12, 20, 31, 32, 33]
    assert tracks.notes == ("There is no table of tracks beside the masks.",)


def test_links_that_no_cell_can_have_are_left_out_and_told():
    square = Mask(0, 0, np.ones((2, 2), np.bool_))
    masks = {label: {PlaneKey(t): square} for label, t in {1: 0, 2: 1, 3: 1, 4: 2, 5: 1, 6: 0}.items()}
    tracks = settle(masks, [(2, 1), (3, 1), (4, 1), (5, 6), (1, 6)])
    assert tracks.divisions == {1: (2, 3)}
    assert sorted(tracks.masks) == [1, 2, 3, 4, 6]
    assert tracks.masks[6].keys() == {PlaneKey(0), PlaneKey(1)}
    assert tracks.notes[0].startswith("2 links were left out")


def test_the_table_is_believed_less_than_the_masks(tmp_path):
    export_ctc(tmp_path, made_document(), SIZES)
    with (tmp_path / "res_track.txt").open("a") as file:
        file.write("90 0 3 0\n")
    assert import_ctc(tmp_path, SIZES).notes == ("The table names track 90 of which there is no mask.",)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "res_track.txt").write_text("1 0 x 0\n"), "Line 1 of res_track.txt"),
        (lambda folder: (folder / "res_track.txt").write_text("1 0 5\n"), "not four whole numbers"),
        (lambda folder: (folder / "mask003.tif").write_bytes(b"II"), "mask003.tif"),
        (lambda folder: tifffile.imwrite(folder / "mask003.tif", np.ones((9, 9), np.uint8)), "9 x 9"),
        (lambda folder: (folder / "mask007.tif").rename(folder / "mask099.tif"), "frame 100"),
        (lambda folder: [file.unlink() for file in folder.glob("*.tif")], "holds no masks"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, spoil, words):
    export_ctc(tmp_path, made_document(), SIZES)
    spoil(tmp_path)
    with pytest.raises(ExchangeError, match=words):
        import_ctc(tmp_path, SIZES)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExchangeError, match="another folder"):
        export_ctc(tmp_path / "file" / "res", made_document(), SIZES)


def test_real_bacteria_come_back(tmp_path, bacteria_movie, bacteria_divisions):
    sizes = (26, 1, 1305, 1009)
    masks: dict[int, dict[PlaneKey, Mask]] = {}
    for label, key, mask in import_labels(bacteria_movie.labels, sizes):
        masks.setdefault(label, {})[key] = mask
    rows = read_table(bacteria_divisions)
    document = document_of(settle(masks, ((row.label, row.parent) for row in rows if row.parent)))
    assert len(list(document.lineage.divisions())) > 10
    export_ctc(tmp_path / "res", document, sizes)
    assert_same(document, document_of(import_ctc(tmp_path / "res", sizes)))
