from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import zarr
from geff_spec import GeffMetadata

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import Cancelled, ExchangeError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.project.exporters.geff import export_geff
from cellsam_desktop.project.importers.geff import import_geff
from cellsam_desktop.project.importers.tracks import document_of
from tests.project.made_tracks import CALIBRATION, SIZES, assert_same, made_document


@pytest.mark.parametrize("depth", [1, 3])
def test_what_is_written_is_read_again(tmp_path, depth):
    document, sizes = made_document(depth), (8, depth, 40, 60)
    export_geff(tmp_path / "tracks.geff", document, sizes)
    tracks = import_geff(tmp_path / "tracks.geff", sizes)
    assert tracks.notes == ()
    assert_same(document, document_of(tracks))


def test_the_metadata_follow_the_specification(tmp_path):
    export_geff(tmp_path / "tracks.geff", made_document(), SIZES)
    about = GeffMetadata.read(tmp_path / "tracks.geff")
    assert about.directed
    assert [(axis.name, axis.unit, axis.scale) for axis in about.axes or ()] == [
        ("t", "frame", CALIBRATION.frame_interval_s),
        ("y", "pixel", CALIBRATION.pixel_size_um),
        ("x", "pixel", CALIBRATION.pixel_size_um),
    ]
    assert about.polygon == "polygon"
    assert about.node_props_metadata["polygon"].varlength
    root = zarr.open_group(tmp_path / "tracks.geff", mode="r")
    assert set(root["nodes/props"]) == about.node_props_metadata.keys()


def test_an_empty_document_can_be_written(tmp_path):
    export_geff(tmp_path / "tracks.geff", Document(), SIZES)
    GeffMetadata.read(tmp_path / "tracks.geff")
    assert import_geff(tmp_path / "tracks.geff", SIZES).masks == {}


def test_a_graph_of_points_becomes_discs(tmp_path):
    """A GEFF that another program might write: no polygons, no ids of cells, a division and a merge."""
    root = zarr.open_group(tmp_path / "points.geff", mode="w", zarr_format=3)
    columns = {"t": [0, 1, 2, 2, 3], "y": [9.0, 9, 5, 20, 9], "x": [10.0, 11, 8, 30, 12], "r": [2.0] * 5}
    root.create_array("nodes/ids", data=np.array([4, 8, 15, 16, 23], np.uint64))
    root.create_array("edges/ids", data=np.array([(4, 8), (8, 15), (8, 16), (15, 23), (16, 23)], np.uint64))
    for name, values in columns.items():
        root.create_array(f"nodes/props/{name}/values", data=np.array(values))
    axes = [{"name": name, "type": "time" if name == "t" else "space"} for name in "tyx"]
    props = {name: {"identifier": name, "dtype": "float64"} for name in columns}
    about = {"geff_version": "1.1", "directed": True, "axes": axes, "sphere": "r"}
    root.attrs["geff"] = {**about, "node_props_metadata": props, "edge_props_metadata": {}}
    tracks = import_geff(tmp_path / "points.geff", SIZES)
    assert tracks.divisions == {1: (2, 3)}
    assert {cell: sorted(key.t for key in track) for cell, track in tracks.masks.items()} == {
        1: [0, 1],
        2: [2, 3],
        3: [2],
    }
    assert tracks.masks[3][PlaneKey(2)].centroid == (30.0, 20.0)
    assert tracks.masks[3][PlaneKey(2)].area == 13
    assert tracks.notes == ("1 edges were left out, because cells do not merge.",)


def test_physical_positions_are_turned_into_pixels(tmp_path):
    root = zarr.open_group(tmp_path / "um.geff", mode="w", zarr_format=2)
    root.create_array("nodes/ids", data=np.array([0], np.uint64))
    root.create_array("edges/ids", data=np.zeros((0, 2), np.uint64))
    for name, value in {"t": 60.0, "y": 2000.0, "x": 5.0, "r": 0.5}.items():
        root.create_array(f"nodes/props/{name}/values", data=np.array([value]))
    units = {"t": ("time", "second"), "y": ("space", "nanometer"), "x": ("space", "micrometer")}
    axes = [{"name": name, "type": kind, "unit": unit} for name, (kind, unit) in units.items()]
    root.attrs["geff"] = {"geff_version": "1.1", "directed": True, "axes": axes, "sphere": "r"}
    tracks = import_geff(tmp_path / "um.geff", SIZES, scale=CALIBRATION)
    mask = tracks.masks[1][PlaneKey(2)]
    assert (mask.centroid, mask.area) == ((20.0, 8.0), 13)


def test_a_cancelled_export_leaves_the_old_one(tmp_path):
    export_geff(tmp_path / "tracks.geff", made_document(), SIZES)

    def stop(fraction: float) -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        export_geff(tmp_path / "tracks.geff", made_document(), (9, *SIZES[1:]), progress=stop)
    assert_same(made_document(), document_of(import_geff(tmp_path / "tracks.geff", SIZES)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["tracks.geff"]


def test_another_folder_is_not_replaced(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ExchangeError, match="is no GEFF: choose another name"):
        export_geff(tmp_path, made_document(), SIZES)
    assert (tmp_path / "mine.txt").exists()


def _without_axes(folder):
    about = json.loads((folder / ".zattrs").read_text())
    about["geff"]["axes"] = []
    (folder / ".zattrs").write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("spoil", "sizes", "words"),
    [
        (lambda folder: shutil.rmtree(folder / "nodes"), SIZES, "tracks.geff is damaged"),
        (lambda folder: (folder / ".zattrs").unlink(), SIZES, "is no GEFF"),
        (lambda folder: (folder / "nodes" / "ids" / "0").write_bytes(b"x"), SIZES, "is damaged"),
        (lambda folder: None, (4, 1, 40, 60), "frame 5 at z 1, and the movie has 4 frames"),
        (_without_axes, SIZES, "does not name its axes"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, spoil, sizes, words):
    export_geff(tmp_path / "tracks.geff", made_document(), SIZES)
    spoil(tmp_path / "tracks.geff")
    with pytest.raises(ExchangeError, match=words):
        import_geff(tmp_path / "tracks.geff", sizes)
