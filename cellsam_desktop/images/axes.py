"""Which stored axis is time, channel or depth: from metadata, guessed, or chosen by the curator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.source import MovieInfo, Plane, Sizes

STACKING = "TZC"
"""The letters an axis in front of a plane may have, likeliest first."""

MOST_CHANNELS = 5
"""An unnamed axis longer than this is not taken for channels."""

COLOUR_SAMPLES = (3, 4)


@dataclass(frozen=True)
class Layout:
    """Stored axes, every one named by a letter of T, C, Z, Y, X or S, with their lengths."""

    letters: str
    shape: tuple[int, ...]
    guessed: bool = False

    @property
    def sizes(self) -> Sizes:
        """Lengths of the five axes."""
        known = dict(zip(self.letters.lower(), self.shape, strict=True))
        return Sizes(*(known.get(letter, 1) for letter in "tczyx"))

    @property
    def rgb(self) -> bool:
        """Whether planes have colour samples."""
        return "S" in self.letters

    @property
    def stacking(self) -> str:
        """The letters other than Y, X and S, in stored order."""
        return "".join(letter for letter in self.letters if letter not in "YXS")

    def number(self, index: PlaneIndex, outer: int) -> int:
        """Which block of a file holds a plane, where blocks are counted along the first ``outer`` axes."""
        number = 0
        for letter, length in zip(self.letters[:outer], self.shape[:outer], strict=True):
            number = number * length + _place(index, letter)
        return number

    def selection(self, index: PlaneIndex) -> tuple[int | slice, ...]:
        """What to take of every axis to get one plane."""
        return tuple(_place(index, letter) if letter in STACKING else slice(None) for letter in self.letters)

    def cut(self, block: Plane, index: PlaneIndex, outer: int) -> Plane:
        """One plane of a block, which has the axes from ``outer`` on; samples come last."""
        plane = block.reshape(self.shape[outer:])[self.selection(index)[outer:]]
        return self.samples_last(plane)

    def samples_last(self, plane: Plane) -> Plane:
        """(Y, X) or (Y, X, S) of what ``selection`` took, whatever the stored order."""
        if "S" not in self.letters:
            return plane
        return np.moveaxis(plane, [letter for letter in self.letters if letter in "YXS"].index("S"), -1)


def interpret(axes: str, shape: Sequence[int], chosen: str | None, name: str) -> Layout:
    """Name every stored axis longer than 1.

    ``axes`` are the letters of the file, where anything but T, C, Z, Y, X, S means unknown; ``chosen``
    replaces them. ``name`` is the file's, for the error. Raises ImageError if the axes do not fit.
    """
    kept = [(letter, size) for letter, size in zip(axes, shape, strict=True) if size != 1 or letter in "YX"]
    letters = "".join(letter for letter, _ in kept)
    lengths = tuple(size for _, size in kept)
    if chosen is not None:
        return _chosen_layout(letters, lengths, chosen.upper(), name)
    letters = _free_samples(letters, lengths)
    unknown = [place for place, letter in enumerate(letters) if letter not in "TCZYXS"]
    if not unknown:
        return Layout(letters, lengths)
    free = [letter for letter in STACKING if letter not in letters]
    if len(unknown) > len(free):
        raise ImageError(
            f"{name} has {len(lengths)} axes ({_times(lengths)}), more than time, channel, z, y and x; "
            "save it as several movies of at most five axes."
        )
    names = _guess([lengths[place] for place in unknown], free)
    guessed = dict(zip(unknown, names, strict=True))
    return Layout("".join(guessed.get(i, letter) for i, letter in enumerate(letters)), lengths, guessed=True)


def possible_axes(info: MovieInfo) -> list[str]:
    """Interpretations a curator may choose for the movie, the present one first."""
    options = _renamed(info.stored_axes, STACKING)
    if "S" in info.stored_axes and "C" not in info.stored_axes:
        options += [option.replace("S", "C") for option in _renamed(info.stored_axes, "TZ")]
    for colour in ("CYX", "YXC"):
        if colour in info.stored_axes and info.sizes.c == 3:
            options += _renamed(info.stored_axes.replace("C", "S"), STACKING)
    return list(dict.fromkeys(options))


def _place(index: PlaneIndex, letter: str) -> int:
    return {"T": index.t, "C": index.c, "Z": index.z}[letter]


def _renamed(letters: str, names: str) -> list[str]:
    """The letters as they are, then with every other assignment of ``names`` to the stacking axes."""
    places = [place for place, letter in enumerate(letters) if letter in STACKING]
    options = [letters] if all(letters[place] in names for place in places) else []
    for choice in permutations(names, len(places)):
        option = list(letters)
        for place, letter in zip(places, choice, strict=True):
            option[place] = letter
        options.append("".join(option))
    return options


def _free_samples(letters: str, lengths: Sequence[int]) -> str:
    """Samples that cannot be red, green and blue are channels."""
    place = letters.find("S")
    if place < 0 or lengths[place] in COLOUR_SAMPLES:
        return letters
    return letters.replace("S", "C" if "C" not in letters else "?")


def _guess(lengths: Sequence[int], free: Sequence[str]) -> list[str]:
    """Time first, then depth; of several axes the shortest one may be the channels."""
    names = [letter for letter in free if letter != "C"]
    shortest = min(range(len(lengths)), key=lambda i: lengths[i])
    take_channel = len(lengths) > 1 and lengths[shortest] <= MOST_CHANNELS
    if "C" not in free or not (take_channel or len(lengths) > len(names)):
        return names[: len(lengths)]
    guess = names[: len(lengths) - 1]
    guess.insert(shortest, "C")
    return guess


def _chosen_layout(letters: str, lengths: tuple[int, ...], chosen: str, name: str) -> Layout:
    planes_fit = len(chosen) == len(letters) and all(
        (old in "YX" or new in "YX") <= (old == new) for old, new in zip(letters, chosen, strict=False)
    )
    samples_fit = "S" not in chosen or lengths[chosen.index("S")] in COLOUR_SAMPLES if planes_fit else False
    if not (planes_fit and samples_fit and set(chosen) <= set("TCZYXS") and len(set(chosen)) == len(chosen)):
        raise ImageError(
            f'The axes "{chosen}" do not fit {name}, which is stored as {_times(lengths)} ({letters}); '
            "give one letter of T, C, Z for every axis in front of Y and X."
        )
    return Layout(chosen, lengths)


def _times(lengths: Sequence[int]) -> str:
    return " x ".join(map(str, lengths))
