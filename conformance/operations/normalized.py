"""What normalisations share: data with and without a large mean, the laws of normalised numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial, expected
from conformance.model import Case, Law, Operation, Results
from conformance.operations.laws import assert_same
from conformance.strategies import Data

Rows = Callable[[Case, np.ndarray], np.ndarray]
"""Output or input of a case, as (groups that share a mean, their numbers)."""

# The cases.

BATCH, SIDE = st.sampled_from((2, 1, 3, 4)), st.sampled_from((2, 1, 3, 4, 5))
WIDE = st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33))
EPS = st.sampled_from((1e-5, 1e-3, 0.5, 1.0, 1e-12))
SIZES = st.sampled_from(("small", "small", "small", "wide", "wide", "empty"))
OFTEN = st.sampled_from((True, True, False))


def images(draw: st.DrawFn, rank: int, most: int = 4) -> list[int]:
    """Sides of images (N, C, …): small ones, now and then wide or empty, but never without channels."""
    n, channels, *sides = draw(BATCH), draw(st.integers(1, most)), *(draw(SIDE) for _ in range(rank))
    size = draw(SIZES)
    if size == "wide":
        at = draw(st.integers(0, rank))
        channels, sides = (draw(WIDE), sides) if at == 0 else (channels, [*sides[: at - 1], draw(WIDE), *sides[at:]])
    if size == "empty":
        at = draw(st.integers(0, rank))
        n, sides = (0, sides) if at == 0 else (n, [*sides[: at - 1], 0, *sides[at:]])
    return [n, channels, *sides]


def lifted(data: Data, name: str, *shape: int) -> np.ndarray:
    """An array of the data; by the seed often with a mean that is large beside its deviations, or ordinary but for a single element."""
    x, rng = data.array(name, *shape), data.rng("place")
    if not x.size or data.regime not in ("integers", "normal", "constant", "special"):
        return x
    if data.regime != "special":
        highest = 6 if data.dtype == "float16" else 10  # its squares must stay finite
        return np.asarray(x.astype(float) + rng.choice([0.0, 0.0, 2.0**4, 2.0**6, 2.0 ** (highest - 2), 2.0**highest])).astype(x.dtype)
    if rng.random() < 0.5:
        x = data.array(name, *shape, regime="normal")
        x.reshape(-1)[rng.integers(x.size)] = rng.choice([np.nan, np.nan, np.inf, -np.inf])
    return x


def affine(draw: st.DrawFn, data: Data, *shape: int) -> dict[str, np.ndarray | None]:
    """Weight and bias, the weight alone, or neither."""
    kind = draw(st.sampled_from(("both", "none", "weight")))
    return {
        "weight": None if kind == "none" else data.array("weight", *shape),
        "bias": data.array("bias", *shape) if kind == "both" else None,
    }


def array(case: Case, name: str = "x") -> np.ndarray:
    """An array that the case has."""
    found = case.arrays[name]
    assert found is not None
    return found


def twice_as_long(*names: str) -> Callable[[Case], Case | None]:
    """The case with arrays of twice the length, where it has the first of them."""

    def longer(case: Case) -> Case | None:
        longer = {name: np.concatenate([array(case, name)] * 2) for name in names if case.arrays[name] is not None}
        return case.but(**longer) if case.arrays[names[0]] is not None and len(array(case, names[0])) else None

    return longer


# The laws.


def plain(case: Case) -> Case:
    """The case without weight, bias and running statistics, in training."""
    arrays = {name: None for name in case.arrays if name != "x"}
    case = case.but(**arrays, **({"training": True} if "training" in case.options else {}))
    return case.but(resume_at=None) if "resume_at" in case.options else case


def run_and_room(trial: Trial, case: Case) -> tuple[Results, np.ndarray]:
    """The results, and how far the output may lie from the mathematics, in the formulation that leaves most room.

    That is the width of what is accepted and the rounding to storage, which may leave a single number.
    """
    results = trial.run(case)
    expectation = expected(trial.operation, case, trial.backend, results)
    with np.errstate(all="ignore"):
        widths = []
        for sets in (expectation.first, *expectation.further()):
            (low, high), storage = sets["output"].limits(), sets["output"].by.storage
            widths.append(high - low + storage.unit * np.maximum(np.abs(low), np.abs(high)) + storage.tiny)
        return results, np.asarray(np.max([np.where(np.isnan(width), np.inf, width) for width in widths], axis=0))


def has_moments(rows: Rows, centred: bool = True) -> Law:
    """Without weight and bias every group has mean 0 and variance v/(v + eps), v its own; or, not centred, its mean square so."""

    def check(trial: Trial, case: Case) -> None:
        if case.regime == "special" or not several(rows, case):
            return
        case = plain(case)
        results, room = run_and_room(trial, case)
        x, y, room = (rows(case, a.astype(float)) for a in (array(case), results["output"], room))
        if centred and np.any(np.abs(np.mean(y, axis=1)) > np.mean(room, axis=1) + 2.0**-48):
            raise Disagreement("a normalised group does not have the mean 0", result="output")
        power = np.var(x, axis=1) if centred else np.mean(np.square(x), axis=1)
        wanted = np.sqrt(power / (power + eps_of(case)))
        if np.any(np.abs(np.sqrt(np.mean(np.square(y), axis=1)) - wanted) > np.max(room, axis=1) + 2.0**-40):
            raise Disagreement("a normalised group does not have the variance v/(v + eps)", result="output")

    return Law("a group has mean 0 and variance v/(v + eps)" if centred else "a group has the mean square s/(s + eps)", check)


def eps_of(case: Case) -> float:
    """eps, None for the machine's epsilon."""
    eps = case.options["eps"]
    return (2.0**-52 if case.dtype == "float64" else 2.0**-23) if eps is None else float(eps)


def assert_agree(trial: Trial, case: Case, other: Case, otherwise: str, part: Any = ...) -> None:
    """Raise Disagreement where the output, or a part of it, differs from another call's by more than both may err."""
    assert_agree_with(trial, case, trial.operation, other, otherwise, part)


def assert_agree_with(trial: Trial, case: Case, operation: Operation, other: Case, otherwise: str, part: Any = ...) -> None:
    """The same with a call of another operation, whose output may have another shape."""
    (results, room), (others, other_room) = run_and_room(trial, case), run_and_room(Trial(operation, trial.backend), other)
    first = results["output"][part].astype(float)
    second, width = others["output"].astype(float).reshape(first.shape), room[part] + other_room.reshape(first.shape)
    with np.errstate(all="ignore"):
        wrong = ~((np.abs(first - second) <= width) | np.isinf(width) | (first == second) | (np.isnan(first) & np.isnan(second)))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Disagreement(f"{otherwise}: element {list(index)} is {first[index]!r}, then {second[index]!r}", result="output", index=index)


def several(rows: Rows, case: Case) -> bool:
    """Whether the groups of a case have more than one number each."""
    return bool(array(case).size) and rows(case, array(case)).shape[1] > 1


def ignores_shift(rows: Rows) -> Law:
    """Whole numbers and 16 more: the sum is exact."""

    def check(trial: Trial, case: Case) -> None:
        if case.regime == "integers" and several(rows, case):
            case = plain(case)
            more = (array(case).astype(float) + 16).astype(array(case).dtype)
            assert_agree(trial, case, case.but(x=more), "adding 16 to every number changes the result")

    return Law("adding one number to all changes nothing", check)


def ignores_scale(rows: Rows) -> Law:
    """Twice the numbers with four times eps: doubling rounds nothing in these regimes."""

    def check(trial: Trial, case: Case) -> None:
        if case.regime in ("integers", "normal", "constant", "cancelling") and several(rows, case):
            case = plain(case).but(eps=eps_of(case))
            other = case.but(x=array(case) * 2, eps=4 * case.options["eps"])
            assert_agree(trial, case, other, "twice the numbers with four times eps give another result")

    return Law("the scale does not matter", check)


def ignores_batch(batched: Callable[[Case], bool]) -> Law:
    """The first image of a batch, alone; `batched` says whether the case has one."""

    def check(trial: Trial, case: Case) -> None:
        if batched(case) and len(array(case)) > 1 and case.options.get("batches", 1) == 1:
            alone = case.but(x=np.ascontiguousarray(array(case)[:1]))
            assert_agree(trial, case, alone, "an image in a batch is not as it is alone", slice(0, 1))

    return Law("an image in a batch is as it is alone", check)


def evaluation_keeps(trial: Trial, case: Case) -> None:
    """Evaluation leaves the running statistics as they are."""
    if case.arrays["running_mean"] is not None:
        results = trial.run(case.but(training=False))
        for name in ("running_mean", "running_var"):
            assert_same(results[name][-1], array(case, name), f"evaluation changes {name}")


KEEPS = Law("evaluation keeps the running statistics", evaluation_keeps)
