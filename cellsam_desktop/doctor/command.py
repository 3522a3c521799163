"""The verb ``doctor``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from cellsam_desktop import __version__, installed
from cellsam_desktop.doctor.checks import Check, all_checks
from cellsam_desktop.doctor.probes import PROBES, run_probe


def add_parser(verbs: Any) -> None:
    """Declare the arguments of ``doctor``."""
    parser = verbs.add_parser("doctor", help="say what works here and what mends the rest")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--probe", choices=list(PROBES), help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Examine this computer and print the report; 0 when the main job can run, 1 otherwise."""
    if arguments.probe:
        return run_probe(arguments.probe)
    checks = all_checks()
    ready = all(check.status != "missing" for check in checks)
    if arguments.json:
        about = {"version": __version__, "build": installed.flavour(), "ready": ready}
        report = {**about, "checks": [asdict(check) for check in checks]}
        print(json.dumps(report, indent=2))
    else:
        print(_as_text(checks, ready))
    return 0 if ready else 1


def _as_text(checks: list[Check], ready: bool) -> str:
    width = max(len(check.name) for check in checks)
    flavour = installed.flavour()
    build = "from its sources" if flavour == "sources" else f"{flavour} build"
    lines = [f"CellSAM Desktop {__version__}, {build}"]
    for check in checks:
        lines.append(f"  {check.status:<7}  {check.name:<{width}}  {check.text}")
        if check.fix:
            lines.append(f"  {'':<7}  {'':<{width}}  -> {check.fix}")
    verdict = "Everything needed is here." if ready else "Something needed is missing: see the lines with ->."
    return "\n".join([*lines, verdict])
