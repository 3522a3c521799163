"""The projects that ``benchmarks.scale`` makes."""

from __future__ import annotations

from benchmarks.made_project import Crowd

CASES = {
    crowd.name: crowd
    for crowd in (
        Crowd("small", cells=50, frames=10, life=10),
        Crowd("medium", cells=500, frames=100, life=10),
        Crowd("large", cells=5000, frames=500, life=5),
        Crowd("long", cells=5000, frames=500, life=50),
        Crowd("crowd", cells=5000, frames=10, life=10),
    )
}
IMPORT = Crowd("import", cells=1000, frames=100, life=100)
QUICK = ("small", "medium")
