"""Names by Sulston's rules: known divisions, and the real lineage of an embryo."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.analysis.sulston import (
    Axes,
    Naming,
    axes_of,
    daughters_of,
    is_sulston,
    propose_names,
)
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddDivision, AddTrack, ChangeCell, Edit
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source

DOT = np.ones((1, 1), np.bool_)
AXES = Axes(anterior=(0, 0, -1), dorsal=(0, -1, 0))
"""The front is on the left, the back on top; z grows away from the viewer, so that l is towards her."""

SIDES = {"a": (-9, 0, 0), "p": (9, 0, 0), "d": (0, -9, 0), "v": (0, 9, 0), "l": (0, 0, -9), "r": (0, 0, 9)}


def dot(x: float, y: float, z: float, t: int) -> dict[PlaneKey, MaskRecord]:
    return {PlaneKey(t, round(z)): MaskRecord(Mask(round(y), round(x), DOT), Source.IMPORTED)}


def division(name: str, way: tuple[float, float, float]) -> Document:
    """Cell 1 called ``name`` divides; cell 3 lies ``way`` from cell 2, each with a mask on one frame."""
    document = Document(Calibration(1.0, 1.0))
    middle = np.array((50, 50, 20))
    edits: list[Edit] = [AddTrack(Cell(1, name), dot(*middle, 0))]
    edits += [AddTrack(Cell(2), dot(*middle, 1)), AddTrack(Cell(3), dot(*(middle + way), 1))]
    History(document).commit("make", [*edits, AddDivision(1, (2, 3))])
    return document


def named(document: Document) -> dict[int, str]:
    return {i: document.cell(i).name for i in document.cell_ids if document.cell(i).name}


def proposed(document: Document, axes: Axes) -> Naming:
    """What comes on top of the names that there are."""
    given = named(document)
    naming = propose_names(document, given, axes)
    return Naming({i: name for i, name in naming.names.items() if i not in given}, naming.undecided)


def towards(side: str, *, back: bool = False) -> tuple[float, float, float]:
    x, y, z = SIDES[side]
    return (-x, -y, -z) if back else (x, y, z)


@pytest.mark.parametrize(
    ("mother", "first", "second", "side"),
    [
        ("P0", "AB", "P1", "a"),
        ("P1", "EMS", "P2", "a"),
        ("EMS", "MS", "E", "a"),
        ("P2", "C", "P3", "d"),
        ("P3", "D", "P4", "d"),
        ("P4", "Z3", "Z2", "a"),
        ("AB", "ABa", "ABp", "a"),
        ("ABa", "ABal", "ABar", "l"),
        ("ABp", "ABpl", "ABpr", "l"),
        ("ABal", "ABala", "ABalp", "a"),
        ("Ea", "Eal", "Ear", "l"),
        ("MSaaaa", "MSaaaaa", "MSaaaap", "a"),
        ("MSaaaa", "MSaaaal", "MSaaaar", "l"),
        ("MSaaaa", "MSaaaad", "MSaaaav", "d"),
    ],
)
def test_known_divisions(mother: str, first: str, second: str, side: str):
    assert proposed(division(mother, towards(side, back=True)), AXES).names == {2: first, 3: second}
    assert proposed(division(mother, towards(side)), AXES).names == {2: second, 3: first}


def test_oblique_divisions_are_called_a_and_p():
    assert proposed(division("Caaa", (5, 9, 0)), AXES).names == {2: "Caaaa", 3: "Caaap"}
    assert proposed(division("Caaa", (4, 9, 0)), AXES).names == {2: "Caaad", 3: "Caaav"}
    # However oblique: everybody calls the daughters of ABal so.
    assert proposed(division("ABal", (2, 9, 9)), AXES).names == {2: "ABala", 3: "ABalp"}


def test_what_cannot_be_told_is_left_to_the_curator():
    naming = proposed(division("EMS", (0, 0, 9)), AXES)
    assert naming.names == {}
    assert "EMS lie side by side" in naming.undecided[1]
    assert proposed(division("Bob", (9, 0, 0)), AXES).undecided == {}
    document = division("EMS", (9, 0, 0))
    later = dot(1, 1, 1, 2)
    History(document).commit("later", [AddTrack(Cell(4), later), AddTrack(Cell(5, "P2"), dot(1, 1, 1, 0))])
    History(document).commit("divide", [AddDivision(5, (4, 6)), AddTrack(Cell(6), dot(1, 1, 1, 1))][::-1])
    assert "same frame" in proposed(document, AXES).undecided[5]


def test_a_sister_of_a_cell_named_by_hand():
    document = division("ABa", (9, 0, 0))
    history = History(document)
    history.commit("name", [ChangeCell(Cell(3, "ABap"))])
    assert proposed(document, AXES).names == {2: "ABaa"}
    history.commit("name", [ChangeCell(Cell(3, "Ringo"))])
    assert "Ringo is no name for a daughter of ABa" in proposed(document, AXES).undecided[1]
    history.commit("name", [ChangeCell(Cell(2, "John"))])
    assert proposed(document, AXES).undecided == {}


def test_mirrored_images_and_turning_embryos():
    document = division("ABa", (0, 0, 9))
    mirrored = Axes(AXES.anterior, AXES.dorsal, mirrored=True)
    assert proposed(document, AXES).names[2] == "ABal"
    assert proposed(document, mirrored).names[2] == "ABar"
    assert proposed(document, lambda t: mirrored if t == 1 else AXES).names[2] == "ABar"


def test_impossible_axes():
    for dorsal in ((0, 0, 0), (0, 1, -5)):
        with pytest.raises(EditRefused, match="right angle"):
            Axes((0, 0, 1), dorsal)
    slanted = Axes((0, 0, -1), (0, -1, -1))
    assert slanted.sides == pytest.approx(AXES.sides)


def test_pairs_that_are_offered():
    assert daughters_of("P4") == [("Z3", "Z2"), ("Z2", "Z3")]
    assert daughters_of("ABa") == [("ABal", "ABar"), ("ABaa", "ABap"), ("ABad", "ABav")]
    assert daughters_of("MSp")[0] == ("MSpa", "MSpp")
    assert daughters_of("Z2") == daughters_of("Cell 7") == []
    assert is_sulston("ABplpaaa")
    assert not is_sulston("ABx")


@pytest.fixture(scope="module")
def embryo(shared_data: Path) -> Document:
    """The lineage of a real embryo from its four-cell stage on, with the four cells named."""
    folder = shared_data / "celegans"
    tracks: dict[int, dict[PlaneKey, MaskRecord]] = {}
    with (folder / "centroids.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            place = (float(row[name]) for name in ("x", "y", "z"))
            tracks.setdefault(int(row["id"]), {}).update(dot(*place, int(row["frame"])))
    names = {1: "ABa", 256: "ABp", 511: "EMS", 640: "P2"}
    edits: list[Edit] = [AddTrack(Cell(i, names.get(i, "")), track) for i, track in sorted(tracks.items())]
    families: dict[int, list[int]] = {}
    for line in (folder / "lineage_man_track.txt").read_text().splitlines():
        cell_id, _, _, mother = map(int, line.split())
        families.setdefault(mother, []).append(cell_id)
    del families[0]
    edits += [AddDivision(mother, (a, b)) for mother, (a, b) in families.items()]
    document = Document(Calibration(0.09, 1.0, 60.0))
    History(document).commit("load", edits)
    return document


def test_a_real_embryo(embryo: Document):
    """Founders are known by the sizes of their lineages; of two daughters the first id is the front one."""
    axes = axes_of(embryo)
    assert axes is not None
    naming = propose_names(embryo, named(embryo), axes)
    founders = {512: "MS", 609: "E", 641: "C", 702: "P3", 703: "D", 718: "P4", 720: "Z3", 719: "Z2"}
    early = {2: "ABal", 129: "ABar", 257: "ABpl", 384: "ABpr", 3: "ABala", 66: "ABalp", 513: "MSa", 610: "Ea"}
    assert {i: naming.names.get(i) for i in founders | early} == founders | early
    fronts = [
        naming.names[a] < naming.names[b]
        for mother, (a, b) in embryo.lineage.divisions()
        if naming.names.get(a, "").endswith("a") or naming.names.get(b, "").endswith("a")
    ]
    assert len(fronts) > 250
    assert np.mean(fronts) > 0.98
    assert len(naming.names) > 0.95 * len(embryo)
    assert len(set(naming.names.values())) == len(naming.names)
