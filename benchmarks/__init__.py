"""Speed, tightness and detection, as ratios measured in one run."""

from __future__ import annotations

import argparse

from conformance.grid import Grid


def selected(description: str, default: int) -> tuple[Grid, int, int]:
    """The grid, the examples per test and the seed that the command line asks for."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--backend", action="append", default=[])
    parser.add_argument("--operation", action="append", default=[])
    parser.add_argument("--dtype", action="append", default=[])
    parser.add_argument("--examples", type=int, default=default)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    return Grid(chosen.backend, chosen.operation, chosen.dtype), chosen.examples, chosen.seed
