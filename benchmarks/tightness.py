"""How much of the accepted error the library uses: `python -m benchmarks.tightness [--examples N] [--operation GLOB] …`.

A bound of which the largest used share stays below 1 % catches little: say why, or tighten the derivation.
"""

from __future__ import annotations

from benchmarks import selected
from conformance.__main__ import properties
from conformance.harness import search

JUDGED = ("forward", "gradient")


def main() -> None:
    """Print one row per property, operation, dtype and backend."""
    grid, examples, seed = selected(__doc__ or "", default=2000)
    headings = f"{'property':10} {'operation':22} {'dtype':9} {'backend':8} {'largest':>9} {'median':>9} {'free':>7}  verdict"
    print(f"{headings} ({examples} examples, seed {seed})")
    for declared in properties().values():
        if declared.name not in JUDGED:
            continue
        for pair in grid.pairs(declared):
            verdict = search(declared, *pair, examples=examples, seed=seed, known=grid.entries(declared, pair), shrink=False)
            names = f"{declared.name:10} {pair.operation.id:22} {pair.dtype:9} {pair.backend.name:8}"
            print(
                f"{names} {verdict.budget:9.2g} {verdict.typical:9.2g} {verdict.free:7.2%}  {verdict.outcome}",
                flush=True,
            )


if __name__ == "__main__":
    main()
