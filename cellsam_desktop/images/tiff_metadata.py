"""Pixel size, frame interval and channel names from the metadata of TIFF files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import tifffile

MICROMETRES = {
    "m": 1e6, "cm": 1e4, "mm": 1e3, "um": 1.0, "µm": 1.0, "μm": 1.0, "\\u00b5m": 1.0, "micron": 1.0,
    "microns": 1.0, "micrometer": 1.0, "micrometers": 1.0, "nm": 1e-3, "å": 1e-4, "pm": 1e-6,
    "inch": 25400.0, "in": 25400.0,
}  # fmt: skip
SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "µs": 1e-6,
    "min": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """Physical sizes; None where the file does not say."""

    pixel_um: float | None = None
    z_um: float | None = None
    interval_s: float | None = None


def format_name(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> str:
    """Words for the user, such as "ImageJ TIFF"."""
    names = {"ome": "OME-TIFF", "imagej": "ImageJ TIFF", "lsm": "Zeiss LSM", "stk": "MetaMorph STK"}
    name = names.get(series.kind, "BigTIFF" if file.is_bigtiff else "TIFF")
    return f"{name} of several files" if series.is_multifile else name


def read_scale(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Scale:
    """Pixel size, z step (um) and frame interval (s) of the series."""
    if series.kind == "ome":
        return _ome_scale(file, series)
    if file.is_imagej:
        return _imagej_scale(file, series.keyframe)
    return Scale(pixel_um=_resolution_um(series.keyframe, None))


def channel_names(file: tifffile.TiffFile, series: tifffile.TiffPageSeries, count: int) -> tuple[str, ...]:
    """One name per channel, or none at all."""
    names: list[str] = []
    if series.kind == "ome":
        pixels = _ome_pixels(file, series)
        channels = [] if pixels is None else [e for e in pixels if e.tag.endswith("}Channel")]
        names = [e.attrib.get("Name", "") for e in channels]
    elif file.is_imagej and count > 1:
        labels = (file.imagej_metadata or {}).get("Labels") or []
        names = [str(label) for label in labels[:count]]
    return tuple(names) if len(names) == count and all(names) else ()


def _ome_pixels(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> ElementTree.Element | None:
    """The Pixels element of the series; tifffile has already refused files whose XML does not parse."""
    images = [e for e in ElementTree.fromstring(file.ome_metadata or "<OME/>") if e.tag.endswith("}Image")]
    named = [e for e in images if e.attrib.get("Name") == series.name] or images
    for element in named[0] if named else ():
        if element.tag.endswith("}Pixels"):
            return element
    return None


def _ome_scale(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Scale:
    pixels = _ome_pixels(file, series)
    if pixels is None:
        return Scale()
    found = pixels.attrib

    def length(axis: str) -> float | None:
        unit = found.get(f"PhysicalSize{axis}Unit", "µm")
        return _measure(found.get(f"PhysicalSize{axis}"), unit, MICROMETRES)

    interval = _measure(found.get("TimeIncrement"), found.get("TimeIncrementUnit", "s"), SECONDS)
    return Scale(length("X"), length("Z"), interval or _ome_interval(pixels))


def _ome_interval(pixels: ElementTree.Element) -> float | None:
    """Mean time between the first and last frame, where only planes carry times."""
    times: dict[int, float] = {}
    for plane in pixels:
        if plane.tag.endswith("}Plane") and "DeltaT" in plane.attrib:
            frame, seconds = _number(plane.attrib.get("TheT")), _number(plane.attrib["DeltaT"])
            unit = SECONDS.get(plane.attrib.get("DeltaTUnit", "s").lower())
            if frame is not None and seconds is not None and unit is not None:
                times.setdefault(int(frame), seconds * unit)
    if len(times) < 2:
        return None
    first, last = min(times), max(times)
    interval = (times[last] - times[first]) / (last - first)
    return interval if interval > 0 else None


def _imagej_scale(file: tifffile.TiffFile, page: tifffile.TiffPage) -> Scale:
    found: dict[str, Any] = file.imagej_metadata or {}
    unit = str(found.get("unit", "")).strip().lower()
    factor = MICROMETRES.get(unit)
    z_step = _measure(found.get("spacing"), unit, MICROMETRES)
    interval = _measure(found.get("finterval"), str(found.get("tunit", "s")).strip().lower() or "s", SECONDS)
    if interval is None and (rate := _number(found.get("fps"))) and "finterval" not in found:
        interval = 1 / rate
    return Scale(None if factor is None else _resolution_um(page, factor), z_step, interval)


def _resolution_um(page: tifffile.TiffPage, factor: float | None) -> float | None:
    """Pixel width in um from XResolution (pixels per unit).

    ``factor`` is the unit in um where metadata names it. Plain TIFF knows inch and centimetre; printing
    resolutions such as 72 or 300 dpi are no measurement, so only pixels below 10 um count.
    """
    match page.tags.valueof("XResolution"):
        case (int(numerator), int(denominator)) if numerator > 0 and denominator > 0:
            pixels = numerator / denominator
        case _:
            return None
    if factor is None:
        factor = {2: 25400.0, 3: 10000.0}.get(page.tags.valueof("ResolutionUnit"), 0.0)
        if pixels * 10 < factor or factor == 0.0:
            return None
    return factor / pixels


def _measure(value: object, unit: str, units: dict[str, float]) -> float | None:
    """A positive number in the base unit, or None."""
    number, factor = _number(value), units.get(unit.strip().lower())
    return number * factor if number and number > 0 and factor else None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
