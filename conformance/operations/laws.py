"""What laws of several families say: two results are the same."""

from __future__ import annotations

import numpy as np

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law


def assert_same(actual: np.ndarray, wanted: np.ndarray, otherwise: str) -> None:
    """Raise Disagreement, beginning with `otherwise`, at the first element that differs; NaN is NaN."""
    if actual.shape != wanted.shape:
        raise Disagreement(f"{otherwise}: the shape is {actual.shape}, not {wanted.shape}")
    wrong = ~((actual == wanted) | (np.isnan(actual) & np.isnan(wanted)))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Disagreement(f"{otherwise}: element {list(index)} is {actual[index]}, not {wanted[index]}", result="output", index=index)


def keeps(name: str) -> Law:
    """NaN or an infinity in the array `name` is seen wherever a one there alone is, and nowhere else changes a number."""

    def check(trial: Trial, case: Case) -> None:
        x = case.arrays[name]
        assert x is not None
        if not x.size:
            return
        rng = np.random.default_rng(case.seed)
        at, odd = np.unravel_index(rng.integers(x.size), x.shape), rng.choice([np.nan, np.inf, -np.inf])
        alone, ordinary, with_odd = np.zeros_like(x), np.ones_like(x), np.ones_like(x)
        alone[at], with_odd[at] = 1, odd
        seen, before, after = (trial.run(case.but(**{name: a}))["output"].astype(float) for a in (alone, ordinary, with_odd))
        if np.any((seen != 0) & np.isfinite(after)):
            raise Disagreement(f"{odd} at {list(map(int, at))} of {name} is lost where a one is not")
        if np.any((seen == 0) & np.isfinite(after) & (after != before)):
            raise Disagreement(f"{odd} at {list(map(int, at))} of {name} changes a number where a one does not")

    return Law(f"NaN and infinities of {name} are kept", check)
