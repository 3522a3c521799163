"""TrackMate's XML (Tinevez et al. 2017; Ershov et al. 2022): spots with outlines, and edges between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from cellsam_desktop import paths
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import MovieSizes
from cellsam_desktop.core.progress import Report
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.project.exporters.writing import writing
from cellsam_desktop.project.graph import Edge, Spot, spots_of
from cellsam_desktop.project.polygons import outline_of

CELL_FEATURE = "CELL_ID"
"""Spot feature that keeps the ids; TrackMate itself has none for cells."""

_SPOT_FEATURES = (
    ("QUALITY", "Quality", "QUALITY", False),
    ("POSITION_X", "X", "POSITION", False),
    ("POSITION_Y", "Y", "POSITION", False),
    ("POSITION_Z", "Z", "POSITION", False),
    ("POSITION_T", "T", "TIME", False),
    ("FRAME", "Frame", "NONE", True),
    ("RADIUS", "Radius", "LENGTH", False),
    ("VISIBILITY", "Visibility", "NONE", True),
    (CELL_FEATURE, "Cell ID", "NONE", True),
)
_EDGE_FEATURES = (
    ("SPOT_SOURCE_ID", "Source spot ID", "NONE", True),
    ("SPOT_TARGET_ID", "Target spot ID", "NONE", True),
    ("LINK_COST", "Edge cost", "COST", False),
)
_TRACK_FEATURES = (("TRACK_INDEX", "Track index", "NONE", True), ("TRACK_ID", "Track ID", "NONE", True))


def export_trackmate(
    path: Path,
    document: Document,
    sizes: MovieSizes,
    movie: Path | None = None,
    progress: Report | None = None,
) -> None:
    """Write all cells; ``sizes`` are the movie's T, Z, Y, X, ``movie`` is the image for TrackMate to open.

    A founder with all her descendants is one track of TrackMate.

    Raises:
        ExchangeError: it cannot be written; ``path`` is as it was.
        Cancelled: ``progress`` raised it; ``path`` is as it was.
    """
    scale = document.calibration
    spots, edges = spots_of(document)
    with (
        writing(path),
        paths.atomic_path(path) as temporary,
        temporary.open("x", encoding="utf-8", newline="\n") as file,
    ):
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<TrackMate version="7.11.1">\n')
        units = ("µm" if scale.pixel_size_um else "pixel", "sec" if scale.frame_interval_s else "frame")
        file.write(f'  <Model spatialunits="{units[0]}" timeunits="{units[1]}">\n')
        file.writelines(_features())
        file.writelines(_spots(spots, scale, progress))
        file.writelines(_tracks(document, spots, edges))
        file.write("  </Model>\n")
        file.writelines(_settings(sizes, scale, movie))
        file.write('  <GUIState state="ConfigureViews" />\n</TrackMate>\n')


def _features() -> Iterator[str]:
    yield "    <FeatureDeclarations>\n"
    for kind, features in (("Spot", _SPOT_FEATURES), ("Edge", _EDGE_FEATURES), ("Track", _TRACK_FEATURES)):
        yield f"      <{kind}Features>\n"
        for name, text, dimension, whole in features:
            yield (
                f'        <Feature feature="{name}" name="{text}" shortname="{text}" '
                f'dimension="{dimension}" isint="{str(whole).lower()}" />\n'
            )
        yield f"      </{kind}Features>\n"
    yield "    </FeatureDeclarations>\n"


def _spots(spots: Sequence[Spot], scale: Calibration, progress: Report | None) -> Iterator[str]:
    by_frame: dict[int, list[int]] = {}
    for number, spot in enumerate(spots):
        by_frame.setdefault(spot.key.t, []).append(number)
    yield f'    <AllSpots nspots="{len(spots)}">\n'
    for done, t in enumerate(sorted(by_frame)):
        if progress is not None:
            progress(done / len(by_frame))
        yield f'      <SpotsInFrame frame="{t}">\n'
        for number in by_frame[t]:
            yield _spot(number, spots[number], scale)
        yield "      </SpotsInFrame>\n"
    yield "    </AllSpots>\n"


def _spot(number: int, spot: Spot, scale: Calibration) -> str:
    pixel = scale.pixel_size_um or 1.0
    x, y = spot.mask.centroid
    # Relative to the spot, in physical units, as in TrackMate; its pixel centres lie at whole numbers, too.
    outline = (outline_of(spot.mask) - (x, y)) * pixel
    corners = " ".join(map(repr, outline.ravel().tolist()))
    return (
        f'        <Spot ID="{number}" name={quoteattr(spot.name or f"ID{number}")} QUALITY="1.0" '
        f'POSITION_X="{x * pixel!r}" POSITION_Y="{y * pixel!r}" '
        f'POSITION_Z="{spot.key.z * (scale.z_step_um or 1.0)!r}" '
        f'POSITION_T="{spot.key.t * (scale.frame_interval_s or 1.0)!r}" FRAME="{spot.key.t}" '
        f'RADIUS="{float(np.sqrt(spot.mask.area / np.pi)) * pixel!r}" VISIBILITY="1" '
        f'{CELL_FEATURE}="{spot.cell}" ROI_N_POINTS="{len(outline)}">{corners}</Spot>\n'
    )


def _tracks(document: Document, spots: Sequence[Spot], edges: Sequence[Edge]) -> Iterator[str]:
    by_founder: dict[int, list[Edge]] = {}
    for i, j in edges:
        cell = spots[i].cell
        assert cell is not None  # spots of a document have one
        by_founder.setdefault(document.lineage.founder(cell), []).append((i, j))
    yield "    <AllTracks>\n"
    for number, linked in enumerate(by_founder.values()):
        yield f'      <Track name="Track_{number}" TRACK_ID="{number}" TRACK_INDEX="{number}">\n'
        for i, j in linked:
            yield f'        <Edge SPOT_SOURCE_ID="{i}" SPOT_TARGET_ID="{j}" LINK_COST="-1.0" />\n'
        yield "      </Track>\n"
    yield "    </AllTracks>\n    <FilteredTracks>\n"
    for number in range(len(by_founder)):
        yield f'      <TrackID TRACK_ID="{number}" />\n'
    yield "    </FilteredTracks>\n"


def _settings(sizes: MovieSizes, scale: Calibration, movie: Path | None) -> Iterator[str]:
    frames, depth, height, width = sizes
    name, folder = ("", "") if movie is None else (movie.name, f"{movie.absolute().parent}/")
    pixel, step, interval = scale.pixel_size_um, scale.z_step_um, scale.frame_interval_s
    yield "  <Settings>\n"
    yield (
        f"    <ImageData filename={quoteattr(name)} folder={quoteattr(folder)} "
        f'width="{width}" height="{height}" nslices="{depth}" nframes="{frames}" '
        f'pixelwidth="{pixel or 1.0!r}" pixelheight="{pixel or 1.0!r}" voxeldepth="{step or 1.0!r}" '
        f'timeinterval="{interval or 1.0!r}" />\n'
    )
    yield '    <InitialSpotFilter feature="QUALITY" value="0.0" isabove="true" />\n'
    yield "    <SpotFilterCollection />\n    <TrackFilterCollection />\n    <AnalyzerCollection />\n"
    yield "  </Settings>\n"
