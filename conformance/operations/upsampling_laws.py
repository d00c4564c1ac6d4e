"""What holds for resampling whatever the weights are."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law
from conformance.operations.laws import assert_same, keeps
from conformance.strategies import Data


def image(case: Case) -> np.ndarray:
    """The array that is resampled."""
    x = case.arrays["x"]
    assert x is not None
    return x


def assert_near(trial: Trial, case: Case, actual: np.ndarray, wanted: np.ndarray, otherwise: str) -> None:
    """Raise Disagreement unless two results differ by no more than both may err; say nothing where one of several cells may be taken."""
    accepted = trial.expected(case)["output"]
    if not hasattr(accepted, "error"):
        if len(accepted.choices) == 1:
            assert_same(actual, wanted, otherwise)
        return
    low, high = accepted.limits()
    reach = 2 * np.max(np.nan_to_num(high.astype(float) - low.astype(float), nan=np.inf), initial=0.0)
    if not (np.abs(actual.astype(float) - wanted.astype(float)) <= reach).all():
        raise Disagreement(otherwise)


def generic(case: Case) -> Case:
    """The same case on real numbers, so that the bound allows for every rounding."""
    return case.but(x=Data(case.dtype, "normal", case.seed).array("x", *image(case).shape))


def same_size_copies(trial: Trial, case: Case) -> None:
    """The size that an image has returns the image, of finite numbers (weights of 0 may meet the others)."""
    case = generic(case) if case.regime == "special" else case
    same = case.but(size=image(case).shape[2:], scale_factor=None, **unrecomputed(case))
    assert_same(trial.run(same)["output"], image(case), "the same size is not a copy")


def unrecomputed(case: Case) -> dict[str, Any]:
    """recompute_scale_factor=None, where it is an option."""
    return {"recompute_scale_factor": None} if "recompute_scale_factor" in case.options else {}


def axes_are_alike(trial: Trial, case: Case) -> None:
    """Image and options with their axes reversed give the output with its axes reversed."""
    rank = image(case).ndim - 2

    def turned(a: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(a, range(-rank, 0), range(-1, -rank - 1, -1)))

    case = generic(case)
    options = {name: value[::-1] for name, value in case.options.items() if isinstance(value, tuple)}
    y = turned(trial.run(case.but(x=turned(image(case)), **options))["output"])
    assert_near(trial, case, y, trial.run(case)["output"], "axes are not alike")


def mirrors(trial: Trial, case: Case) -> None:
    """The mirrored image, resampled to a size, is the mirrored result; a single cell may lie in the corner."""
    if 1 in trial.run(case)["output"].shape[2:]:
        return
    case = generic(case).but(size=trial.run(case)["output"].shape[2:], scale_factor=None, **unrecomputed(case))
    y, mirrored = trial.run(case)["output"], trial.run(case.but(x=np.ascontiguousarray(image(case)[..., ::-1])))["output"]
    assert_near(trial, case, mirrored[..., ::-1], y, "the mirrored image does not give the mirrored result")


def doubling_repeats(trial: Trial, case: Case) -> None:
    """Twice the size is every cell twice."""
    x = image(case)
    y = trial.run(case.but(size=None, scale_factor=2.0))["output"]
    for axis in range(2, x.ndim):
        x = np.repeat(x, 2, axis)
    assert_same(y, x, "twice the size is not every cell twice")


SAME = Law("the same size copies", same_size_copies)
ALIKE = Law("axes are alike", axes_are_alike)
MIRRORS = Law("mirrors", mirrors)
REPEATS = Law("twice the size repeats", doubling_repeats)
KEEPS = keeps("x")
