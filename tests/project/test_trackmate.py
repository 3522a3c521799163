from __future__ import annotations

from xml.etree import ElementTree

import pytest

from cellsam_desktop.core.errors import Cancelled, ExchangeError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.project.exporters.trackmate import export_trackmate
from cellsam_desktop.project.importers.trackmate import import_trackmate
from cellsam_desktop.project.importers.tracks import document_of
from tests.project.made_tracks import SIZES, assert_same, made_document


@pytest.mark.parametrize("depth", [1, 3])
def test_what_is_written_is_read_again(tmp_path, depth):
    document, sizes = made_document(depth), (8, depth, 40, 60)
    export_trackmate(tmp_path / "tracks.xml", document, sizes)
    tracks = import_trackmate(tmp_path / "tracks.xml", sizes)
    assert tracks.notes == ()
    assert_same(document, document_of(tracks))


def test_it_is_laid_out_as_trackmate_does(tmp_path, shared_data):
    """Elements and attributes that a file of TrackMate's own has, and its reader asks for."""
    export_trackmate(tmp_path / "tracks.xml", made_document(), SIZES, movie=tmp_path / "a & b.tif")
    ours = ElementTree.parse(tmp_path / "tracks.xml").getroot()
    theirs = ElementTree.parse(shared_data / "formats" / "trackmate_faketracks" / "FakeTracks.xml").getroot()
    for place in ("Model", "Model/AllSpots", "Model/AllSpots/SpotsInFrame", "Settings/ImageData"):
        own, other = ours.find(place), theirs.find(place)
        assert own is not None
        assert other is not None
        assert own.attrib.keys() == other.attrib.keys()
    for place in ("FeatureDeclarations/SpotFeatures", "FeatureDeclarations/EdgeFeatures"):
        declared = {feature.attrib["feature"] for feature in ours.findall(f"Model/{place}/Feature")}
        wanted = {feature.attrib["feature"] for feature in theirs.findall(f"Model/{place}/Feature")}
        assert declared - {"CELL_ID"} <= wanted
    image = ours.find("Settings/ImageData")
    assert image is not None
    assert (image.attrib["filename"], image.attrib["pixelwidth"]) == ("a & b.tif", "0.25")
    tracks = ours.findall("Model/AllTracks/Track")
    assert len(tracks) == len(ours.findall("Model/FilteredTracks/TrackID")) == 3
    spots = {spot.attrib["ID"]: spot for spot in ours.iter("Spot")}
    assert all(
        {edge.attrib["SPOT_SOURCE_ID"], edge.attrib["SPOT_TARGET_ID"]} <= spots.keys()
        for edge in ours.iter("Edge")
    )


def test_a_real_file_is_read(shared_data):
    """Two tracks of 84 spots without outlines; one track divides twice, the other has a gap."""
    path = shared_data / "formats" / "trackmate_faketracks" / "FakeTracks.xml"
    tracks = import_trackmate(path, (50, 1, 128, 128))
    assert sum(map(len, tracks.masks.values())) == 84
    assert len(tracks.divisions) == 2
    assert len(tracks.masks) == 6
    late = tracks.masks[max(tracks.masks, key=lambda cell: min(tracks.masks[cell]))]
    frames = sorted(key.t for key in late)
    assert (frames[0], frames[-1], len(frames)) == (39, 49, 10)
    assert all(mask.area >= 13 for track in tracks.masks.values() for mask in track.values())


SPOT = (
    '<Spot ID="{}" name="ID{}" POSITION_X="{}" POSITION_Y="10.0" POSITION_Z="0.0" FRAME="{}" RADIUS="1.0" '
    'VISIBILITY="{}" />'
)


def test_what_trackmate_hides_stays_out(tmp_path):
    spots = "".join(
        SPOT.format(n, n, x, t, shown)
        for n, x, t, shown in [(1, 5, 0, 1), (2, 5, 1, 1), (3, 9, 0, 0), (4, 90, 0, 1)]
    )
    (tmp_path / "tracks.xml").write_text(
        f'<TrackMate><Model><AllSpots>{spots}</AllSpots><AllTracks><Track TRACK_ID="7">'
        '<Edge SPOT_SOURCE_ID="1" SPOT_TARGET_ID="2" /></Track></AllTracks><FilteredTracks /></Model>'
        '<Settings><ImageData nframes="8" nslices="1" height="40" width="60" pixelwidth="0.5" '
        'pixelheight="0.5" voxeldepth="1" /></Settings></TrackMate>'
    )
    tracks = import_trackmate(tmp_path / "tracks.xml", SIZES)
    assert {cell: list(track) for cell, track in tracks.masks.items()} == {1: [PlaneKey(0)], 2: [PlaneKey(1)]}
    assert tracks.masks[1][PlaneKey(0)].centroid == (10.0, 20.0)
    assert tracks.masks[1][PlaneKey(0)].area == 13
    assert tracks.notes == ("1 spots lie outside the image.",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("", "not a complete TrackMate file"),
        ("<Tracks nTracks='3'></Tracks>", "Save button"),
        ("<TrackMate><Model><AllSpots><Spot ID='1'", "not a complete"),
        ("<TrackMate><Model /></TrackMate>", "not a complete"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, content, words):
    if content is not None:
        (tmp_path / "tracks.xml").write_text(content)
    with pytest.raises(ExchangeError, match=words):
        import_trackmate(tmp_path / "tracks.xml", SIZES)


def test_another_movie_is_refused(tmp_path):
    export_trackmate(tmp_path / "tracks.xml", made_document(), SIZES)
    with pytest.raises(ExchangeError, match="8 frames, 1 z positions and 60 x 40 pixels"):
        import_trackmate(tmp_path / "tracks.xml", (9, 1, 40, 60))


def test_a_cancelled_export_leaves_nothing(tmp_path):
    def stop(fraction: float) -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        export_trackmate(tmp_path / "tracks.xml", made_document(), SIZES, progress=stop)
    assert list(tmp_path.iterdir()) == []
