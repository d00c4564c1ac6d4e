"""What laws of several families say: two results are the same."""

from __future__ import annotations

import numpy as np

from conformance.judgement import Disagreement


def assert_same(actual: np.ndarray, wanted: np.ndarray, otherwise: str) -> None:
    """Raise Disagreement, beginning with `otherwise`, at the first element that differs; NaN is NaN."""
    if actual.shape != wanted.shape:
        raise Disagreement(f"{otherwise}: the shape is {actual.shape}, not {wanted.shape}")
    wrong = ~((actual == wanted) | (np.isnan(actual) & np.isnan(wanted)))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Disagreement(f"{otherwise}: element {list(index)} is {actual[index]}, not {wanted[index]}", result="output", index=index)
