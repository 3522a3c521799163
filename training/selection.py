"""Parts of the data on the command line: ``PATH@0-16,20`` and ``PATH@list.txt``.

Numbers count from 0: frames of a movie, or files of a folder in their natural order. A list has one file
name, number or range on each line; what follows a ``#`` is a remark.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.frames import DataError

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class Candidate:
    """What may be chosen, by its number or by one of its names."""

    number: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """``path``, and what is taken of it; ``entries`` is None for all of it."""

    path: Path
    entries: tuple[str, ...] | None = None
    text: str = ""

    @classmethod
    def parse(cls, argument: Path) -> Selection:
        """Read an argument of the command line; a path that exists is taken as it is.

        Raises:
            DataError: what follows the @ is neither numbers nor a list that can be read.
        """
        before, sign, after = str(argument).rpartition("@")
        if not sign or argument.exists():
            return cls(argument)
        entries = tuple(part.strip() for part in after.split(","))
        if all(map(_RANGE.fullmatch, entries)):
            return cls(Path(before), entries, after)
        return cls(Path(before), _read_list(after, argument), after)

    @classmethod
    def parse_all(cls, arguments: Iterable[Path]) -> list[Selection]:
        """Read arguments; what is taken of one path in several of them is taken together.

        So frames of one movie are one set of data, however they were named, and are split as one.

        Raises:
            DataError: see ``parse``.
        """
        found: dict[Path, Selection] = {}
        for own in map(cls.parse, arguments):
            key = own.path.resolve()
            found[key] = found[key]._with(own) if key in found else own
        return list(found.values())

    def _with(self, other: Selection) -> Selection:
        if self.entries is None or other.entries is None:
            return Selection(self.path)
        return Selection(self.path, self.entries + other.entries, f"{self.text},{other.text}")

    def choose(self, candidates: Sequence[Candidate]) -> list[int]:
        """Which of the candidates are taken, as places in their list, ascending.

        Raises:
            DataError: an entry names none of them, or nothing is taken.
        """
        if self.entries is None:
            return list(range(len(candidates)))
        by_name: defaultdict[str, set[int]] = defaultdict(set)
        for place, one in enumerate(candidates):
            for name in one.names:
                by_name[name].add(place)
        chosen: set[int] = set()
        for entry in self.entries:
            chosen |= by_name.get(entry) or self._numbered(entry, candidates)
        if not chosen:
            raise DataError(f"{self.path.name} holds no cells on the frames {self.text}: choose others.")
        return sorted(chosen)

    def _numbered(self, entry: str, candidates: Sequence[Candidate]) -> set[int]:
        match = _RANGE.fullmatch(entry)
        if match is None:
            raise DataError(
                f"{self.path.name} holds no {entry!r}, which {self.text} names: correct the list."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        return {place for place, one in enumerate(candidates) if first <= one.number <= last}


def absolute(argument: Path) -> Path:
    """An argument that means the same in any folder; a list that it names as well."""
    before, sign, after = str(argument).rpartition("@")
    if sign and not argument.exists() and Path(after).is_file():
        return Path(f"{Path(before).absolute()}@{Path(after).absolute()}")
    return argument.absolute()


def _read_list(name: str, argument: Path) -> tuple[str, ...]:
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{argument} does not exist; after the @ write frames as in @0-16,20, or a text file of names."
        ) from error
    entries = tuple(entry for line in lines if (entry := line.partition("#")[0].strip()))
    if not entries:
        raise DataError(f"The list {name} is empty: write one file name or frame number on each line.")
    return entries
