"""What an example costs: `python -m benchmarks.speed [--examples N] [--operation GLOB] …`.

Milliseconds per example of the forward property, split into drawing, library, oracle and judging, and the ratio to the library's own time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import hypothesis

from benchmarks import selected
from conformance.grid import Pair
from conformance.judgement import assert_accepted, expected
from conformance.known import KnownFailure
from conformance.model import Case
from conformance.test_forward import test_forward as forward


def split(pair: Pair, examples: int, seed: int, known: Sequence[KnownFailure] = ()) -> Counter[str]:
    """Seconds spent drawing, in the library, in the oracle and judging; the cases of known failures are set aside."""
    spent: Counter[str] = Counter()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(pair.operation.cases(pair.dtype))
    def every(case: Case) -> None:
        hypothesis.assume(not any(entry.describes(case) for entry in known))
        moments = [time.perf_counter()]
        observed = pair.backend.run(pair.operation, case)
        moments.append(time.perf_counter())
        expectation = expected(pair.operation, case, pair.backend, observed)
        moments.append(time.perf_counter())
        try:
            assert_accepted(observed, expectation)
        except AssertionError:
            spent["failures"] += 1
        moments.append(time.perf_counter())
        for name, start, end in zip(("library", "oracle", "judging"), moments, moments[1:], strict=False):
            spent[name] += end - start

    start = time.perf_counter()
    every()
    spent["drawing"] = time.perf_counter() - start - spent["library"] - spent["oracle"] - spent["judging"]
    return spent


def main() -> None:
    """Print one row per operation, dtype and backend."""
    grid, examples, seed = selected(__doc__ or "", default=200)
    parts = ("drawing", "library", "oracle", "judging")
    print(
        f"{'operation':22} {'dtype':9} {'backend':8} "
        + " ".join(f"{part:>8}" for part in parts)
        + f" {'all':>8} {'/library':>9}   (ms per example)"
    )
    for pair in grid.pairs(forward.property):
        spent = split(pair, examples, seed, grid.entries(forward.property, pair))
        times = [1000 * spent[part] / examples for part in parts]
        ratio = sum(times) / times[1] if times[1] else float("inf")
        row = " ".join(f"{ms:8.2f}" for ms in times)
        print(
            f"{pair.operation.id:22} {pair.dtype:9} {pair.backend.name:8} {row} {sum(times):8.2f} {ratio:9.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
