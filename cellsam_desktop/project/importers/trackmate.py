"""TrackMate's XML (Tinevez et al. 2017; Ershov et al. 2022): spots, with outlines or as discs, and edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc
from cellsam_desktop.core.progress import Report
from cellsam_desktop.project.graph import Edge, Spot, tracks_of
from cellsam_desktop.project.importers.tracks import Tracks
from cellsam_desktop.project.polygons import mask_of


@dataclass
class _File:
    """What is read before it is known how large a pixel is."""

    spots: dict[int, tuple[Mapping[str, str], str]] = field(default_factory=dict)
    edges: dict[int, list[Edge]] = field(default_factory=dict)
    shown: set[int] = field(default_factory=set)
    image: Mapping[str, str] = field(default_factory=dict)


def import_trackmate(path: Path, sizes: MovieSizes, progress: Report | None = None) -> Tracks:
    """The visible spots of a TrackMate file and the edges of its filtered tracks.

    ``sizes`` are the movie's T, Z, Y, X. A spot without outline becomes a disc of its radius.

    Raises:
        ExchangeError: it is no such file, is damaged, or belongs to another movie.
    """
    report = progress or (lambda fraction: None)
    try:
        found = _parse(path, report)
        _check_image(found.image, sizes, path)
        return _tracks(found, sizes, report)
    except (OSError, UnicodeDecodeError) as error:
        raise ExchangeError(
            f"{path} cannot be read: check that it exists and that you may read it."
        ) from error
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise ExchangeError(
            f"{path.name} is not a complete TrackMate file: choose the XML that its Save button wrote."
        ) from error


def _parse(path: Path, report: Report) -> _File:
    found, size = _File(), max(path.stat().st_size, 1)
    track = -1
    with path.open("rb") as file:
        for number, (event, element) in enumerate(ElementTree.iterparse(file, events=("start", "end"))):
            if number == 0 and element.tag != "TrackMate":
                raise ValueError(f"the first element is {element.tag}")
            if number % 1000 == 0:
                report(0.5 * file.tell() / size)
            if event == "start":
                track = int(element.attrib["TRACK_ID"]) if element.tag == "Track" else track
                continue
            match element.tag:
                case "Spot":
                    found.spots[int(element.attrib["ID"])] = dict(element.attrib), element.text or ""
                case "Edge":
                    ends = (int(element.attrib["SPOT_SOURCE_ID"]), int(element.attrib["SPOT_TARGET_ID"]))
                    found.edges.setdefault(track, []).append(ends)
                case "TrackID":
                    found.shown.add(int(element.attrib["TRACK_ID"]))
                case "ImageData":
                    found.image = dict(element.attrib)
                case _:
                    continue
            element.clear()
    return found


def _check_image(image: Mapping[str, str], sizes: MovieSizes, path: Path) -> None:
    names = ("nframes", "nslices", "height", "width")
    if (found := tuple(int(image[name]) for name in names)) != sizes:
        raise ExchangeError(
            f"{path.name} belongs to a movie of {found[0]} frames, {found[1]} z positions and {found[3]} x "
            f"{found[2]} pixels, this one has {sizes[0]}, {sizes[1]} and {sizes[3]} x {sizes[2]}: "
            "open its own movie first."
        )


def _tracks(found: _File, sizes: MovieSizes, report: Report) -> Tracks:
    numbers: dict[int, int] = {}
    spots: list[Spot] = []
    visible = {spot for spot, (about, _) in found.spots.items() if int(about.get("VISIBILITY", "1"))}
    for done, spot in enumerate(sorted(visible)):
        if done % 100 == 0:
            report(0.5 + 0.5 * done / len(visible))
        about, corners = found.spots[spot]
        mask = _mask(about, corners, float(found.image["pixelwidth"]), float(found.image["pixelheight"]))
        inside = mask.clip(*sizes[2:])
        if inside is None:
            continue
        numbers[spot] = len(spots)
        z = round(float(about["POSITION_Z"]) / (float(found.image["voxeldepth"]) or 1.0))
        key = PlaneKey(int(float(about["FRAME"])), min(max(z, 0), sizes[1] - 1))
        spots.append(Spot(key, inside, *_identity(spot, about)))
    linked = [
        (numbers[i], numbers[j])
        for track, ends in found.edges.items()
        for i, j in ends
        if track in found.shown and i in numbers and j in numbers
    ]
    lost = len(visible) - len(spots)
    return tracks_of(spots, linked, [f"{lost} spots lie outside the image."] if lost else [])


def _mask(about: Mapping[str, str], corners: str, width: float, height: float) -> Mask:
    """Positions are physical, outlines relative to them; pixel centres lie at whole numbers."""
    unit = np.array([width or 1.0, height or 1.0])
    place = np.array([float(about["POSITION_X"]), float(about["POSITION_Y"])])
    mask = None
    if int(about.get("ROI_N_POINTS", "0")) > 2:
        mask = mask_of((np.array(corners.split(), float).reshape(-1, 2) + place) / unit)
    x, y = (place / unit).tolist()
    return mask or disc(x, y, float(about["RADIUS"]) / float(unit[0]))


def _identity(spot: int, about: Mapping[str, str]) -> tuple[int | None, str]:
    """Cell and name, as ``exporters.trackmate`` keeps them; TrackMate's own names are of single spots."""
    if "CELL_ID" not in about:
        return None, ""
    name = about.get("name", "")
    return int(float(about["CELL_ID"])), "" if name == f"ID{spot}" else name
