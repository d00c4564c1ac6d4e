"""What losses share: targets, reductions and the laws of reductions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial, set_aside
from conformance.model import FLOATS, Case, Cost, Law, Operation
from conformance.operations.elementwise import room
from conformance.strategies import FLOAT_REGIMES, Data

REDUCTIONS = ("mean", "none", "sum")
Rejects = Mapping[str, Callable[[Case], Case | None]]


# Data.

REGIMES = (*FLOAT_REGIMES, "special")


def numbers(data: Data, name: str, *shape: int) -> np.ndarray:
    """Numbers, among the special ones of every second seed surely NaN."""
    x = data.array(name, *shape)
    if data.regime == "special" and data.seed % 2 == 0 and x.size:
        x.reshape(-1)[data.seed % x.size] = np.nan
    return x


def array(case: Case, name: str) -> np.ndarray:
    """An array that the case has."""
    found = case.arrays[name]
    assert found is not None
    return found


def beside(data: Data, x: np.ndarray, others: np.ndarray, gaps: Sequence[float]) -> np.ndarray:
    """The others, about a third of them replaced by x itself or what is one of the gaps away from it."""
    rng = data.rng("gaps")
    with np.errstate(all="ignore"):
        near = x.astype(float) + rng.choice([sign * gap for gap in (0.0, *gaps) for sign in (1, -1)], x.shape)
        return np.asarray(np.where(rng.random(x.shape) < 0.3, near, others.astype(float))).astype(x.dtype)


def probabilities(data: Data, name: str, *shape: int) -> np.ndarray:
    """Numbers from 0 to 1, in the wide regimes close to either end; every second seed has the ends among them."""
    rng = data.rng(name)
    kind = data.array(name).dtype
    limits = ml_dtypes.finfo(kind)  # type: ignore[no-untyped-call]
    even = rng.random(shape)
    if data.regime == "integers":
        x = rng.integers(0, 5, shape) / 4
    elif data.regime == "constant":
        x = np.full(shape, rng.choice([0.0, 1.0, 0.5, 0.1]))
    elif data.regime == "wide":
        x = np.where(rng.random(shape) < 0.5, 2.0 ** (-20 * even), 1 - 2.0 ** (-20 * even))
    elif data.regime == "subnormal":
        x = even * float(limits.smallest_normal) * 3
    elif data.regime == "special":
        odd = [0.0, 1.0, float(limits.smallest_subnormal), 1 - float(limits.epsneg)]
        x = np.where(rng.random(shape) < 0.5, rng.choice(odd, shape), even)
    else:
        x = even
    if data.seed % 2 == 0:
        x = np.where(rng.random(shape) < 0.15, rng.choice([0.0, 1.0], shape), x)
    return np.asarray(x).astype(kind)


def signs(data: Data, *shape: int) -> np.ndarray:
    """1 and −1 by chance."""
    return np.asarray(data.rng("target").choice([1.0, -1.0], shape)).astype(data.array("target").dtype)


def positive(data: Data, name: str, *shape: int) -> np.ndarray:
    """Weights from 1/2 to 1000."""
    with np.errstate(all="ignore"):
        size = np.nan_to_num(np.abs(data.array(name, *shape).astype(float)), nan=1.0, posinf=1.0)
    return np.asarray(np.minimum(size, 1000) + 0.5).astype(data.array(name).dtype)


def options(draw: st.DrawFn, **values: Sequence[Any]) -> dict[str, Any]:
    """One value for each option, and a reduction."""
    chosen = {name: draw(st.sampled_from(tuple(choices))) for name, choices in values.items()}
    return {"reduction": draw(st.sampled_from(REDUCTIONS)), **chosen}


# Shapes and costs.


def of_elements(input: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """One loss for every element, or a single number."""
    return {"output": input if reduction == "none" else ()}


def free_of_charge(**arguments: Any) -> Cost:
    """No parameters and no products."""
    return Cost(0, 0)


# Constraints.

UNKNOWN_REDUCTION: Rejects = {"reduction must be one of the documented words": lambda case: case.but(reduction="median")}


def longer(name: str) -> Callable[[Case], Case | None]:
    """An array with a last axis that is longer by one, where that cannot be broadcast."""

    def broken(case: Case) -> Case | None:
        x = array(case, name)
        return case.but(**{name: np.concatenate([x, x[..., :1]], axis=-1)}) if x.ndim and x.shape[-1] > 1 else None

    return broken


def first_is(name: str, value: float) -> Callable[[Case], Case | None]:
    """The first element of an array is a number that it must not be."""

    def broken(case: Case) -> Case | None:
        x = array(case, name).copy()
        if not x.size:
            return None
        x.reshape(-1)[0] = value
        return case.but(**{name: x})

    return broken


def option_is(name: str, value: Any) -> Callable[[Case], Case | None]:
    """An option has a value that it must not have."""
    return lambda case: case.but(**{name: value})


# Laws.


def number(trial: Trial, case: Case) -> float:
    """The single number that a reduced loss is."""
    return float(trial.run(case)["output"].astype(float))


def sum_is_a_sum(trial: Trial, case: Case) -> None:
    """The sum of the losses is the loss with reduction sum."""
    total, each = case.but(reduction="sum"), case.but(reduction="none")
    if case.regime == "special" or set_aside(total):
        return
    losses = trial.run(each)["output"].astype(float)
    with np.errstate(all="ignore"):
        width = float(room(trial, total) + np.sum(room(trial, each)))
        apart = abs(number(trial, total) - float(np.sum(losses)))
    if apart > width:
        raise Disagreement(f"the sum {number(trial, total)} is not that of the losses, {float(np.sum(losses))}", result="output")


def mean_times_count_by(count: Callable[[Case], float]) -> Law:
    """The mean times what it divides by is the sum."""

    def check(trial: Trial, case: Case) -> None:
        mean, total, divisor = case.but(reduction="mean"), case.but(reduction="sum"), count(case)
        if case.regime == "special" or divisor == 0 or set_aside(mean) or set_aside(total):
            return
        one, other = number(trial, mean) * divisor, number(trial, total)
        with np.errstate(all="ignore"):
            width = float(room(trial, mean)) * divisor + float(room(trial, total))
        if abs(one - other) > width:
            raise Disagreement(f"the mean times {divisor} is {one}, the sum {other}", result="output")

    return Law("the mean times the count is the sum", check)


def exchanged(one: str, other: str) -> Law:
    """Two arrays exchanged give the same losses, to the width of what is accepted."""

    def check(trial: Trial, case: Case) -> None:
        if case.regime == "special":
            return
        turned = case.but(**{one: array(case, other), other: array(case, one)})
        assert_close(trial, case, trial.run(turned)["output"], "exchanging the two arrays changes the loss")

    return Law("the order of the two arrays does not matter", check)


def assert_close(trial: Trial, case: Case, output: np.ndarray, otherwise: str, more: Any = 0.0) -> None:
    """Raise Disagreement, beginning with `otherwise`, where an output is farther from the case's own than the accepted width and `more`."""
    first, second = trial.run(case)["output"].astype(float), output.astype(float)
    with np.errstate(all="ignore"):
        wrong = ~((np.abs(first - second) <= room(trial, case) + more) | (first == second) | np.isnan(first) | np.isnan(second))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Disagreement(f"{otherwise}: output{list(index)} is {float(first[index])!r}, then {float(second[index])!r}", index=index)


SUM = Law("the sum is the sum of the losses", sum_is_a_sum)
MEAN = mean_times_count_by(lambda case: array(case, "input").size)


def loss(name: str, call: Callable[..., Any], oracles: Any, **more: Any) -> Operation:
    """A loss of torch.nn; `oracles` has a function of the call's name and its gradient.

    `laws` and `rejects` are added to those of every loss.
    """
    laws, rejects = (SUM, *more.pop("laws", (MEAN,))), {**UNKNOWN_REDUCTION, **more.pop("rejects", {})}
    return Operation(
        name=f"torch.nn.{name}",
        call=call,
        oracle=getattr(oracles, call.__name__),
        gradient=getattr(oracles, f"{call.__name__}_gradient"),
        laws=laws,
        rejects=rejects,
        **{"shape": of_elements, "cost": free_of_charge, "dtypes": FLOATS, **more},
    )
