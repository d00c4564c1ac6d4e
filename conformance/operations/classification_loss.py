"""Losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.strategies import FINITE_REGIMES, data_of
from oracles.classification_loss import cross_entropy, cross_entropy_gradient


def call(x: Any, target: Any, weight: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.CrossEntropyLoss(weight, **options)(x, target)


def shape(x: Any, target: Any, weight: Any, *, reduction: str, **options: Any) -> dict[str, Any]:
    """The batch and further axes, or a single number."""
    return {"output": x[:1] * (len(x) > 1) + x[2:] if reduction == "none" else ()}


def free_of_charge(x: Any, target: Any, weight: Any, **options: Any) -> Cost:
    """No parameters and no products."""
    return Cost(0, 0)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Class indices and probabilities; batches of any shape, none, and empty ones."""
    data = draw(data_of(dtype, FINITE_REGIMES))
    classes = draw(st.one_of(st.integers(1, 6), st.sampled_from((8, 16, 17, 33))))
    batch = draw(st.sampled_from((1, 2, 3, 8, 0, None)))
    further = () if batch is None else draw(st.sampled_from(((), (), (3,), (2, 2))))
    sides = (classes,) if batch is None else (batch, classes, *further)
    x = data.array("x", *sides)
    places = sides[:1] * (len(sides) > 1) + sides[2:]
    rng, ignore_index = data.rng("target"), -100
    if draw(st.sampled_from((True, True, False))):
        target = np.asarray(rng.integers(0, classes, places))
        ignore_index = draw(st.sampled_from((-100, -1, 0, classes - 1)))
        target = np.asarray(np.where(rng.random(places) < draw(st.sampled_from((0.0, 0.3, 1.0))), ignore_index, target))
    else:
        shares = rng.random(sides) if data.regime != "integers" else (rng.random(sides) < 0.4) * 1.0
        target = shares.astype(x.dtype)
    weight = None
    if draw(st.booleans()):
        weight = (np.minimum(np.abs(data.array("weight", classes).astype(float)), 1000) + 0.5).astype(x.dtype)
    options = {"ignore_index": ignore_index, "reduction": draw(st.sampled_from(("mean", "none", "sum")))}
    smoothing = draw(st.sampled_from((0.0, 0.0, 0.1, 0.5, 1.0)))
    return data.case({"x": x, "target": target, "weight": weight}, **options, label_smoothing=smoothing)


def array(case: Case, name: str) -> np.ndarray:
    """An array that the case has."""
    found = case.arrays[name]
    assert found is not None
    return found


def by_index(case: Case) -> bool:
    """Whether the targets are class indices, and there are some."""
    return array(case, "target").dtype.kind == "i" and array(case, "target").size > 0


def with_class(index: int) -> Any:
    """The first target is a class that there is not."""

    def broken(case: Case) -> Case | None:
        if not by_index(case):
            return None
        target = array(case, "target").copy()
        target.flat[0] = index if index < 0 else classes_of(case)
        return None if target.flat[0] == case.options["ignore_index"] else case.but(target=target)

    return broken


def classes_of(case: Case) -> int:
    """The number of classes."""
    x = array(case, "x")
    return x.shape[min(1, x.ndim - 1)]


def as_floats(case: Case) -> Case | None:
    """Class indices as floating numbers."""
    x, target = array(case, "x"), array(case, "target")
    return case.but(target=target.astype(x.dtype)) if by_index(case) and target.shape != x.shape else None


def apart(one: float, other: float, room: float, what: str) -> None:
    """Raise Disagreement where two numbers differ by more than rounding."""
    if np.isfinite(one) and np.isfinite(other) and abs(one - other) > room:
        raise Disagreement(f"{what}: {one} and {other}", result="output")


def sum_is_a_sum(trial: Trial, case: Case) -> None:
    """The sum of the losses is the loss with reduction sum."""
    accepted = trial.expected(case.but(reduction="sum"))["output"]
    losses = trial.run(case.but(reduction="none"))["output"].astype(float)
    each = trial.expected(case.but(reduction="none"))["output"]
    storage = accepted.by.storage
    room = float(2 * accepted.error + storage.unit * abs(accepted.value) + storage.tiny)
    room += float(np.sum(2 * each.error + storage.unit * np.abs(each.value) + storage.tiny))
    apart(float(trial.run(case.but(reduction="sum"))["output"]), float(np.sum(losses)), 2 * room, "the sum is not that of the losses")


def one_hot_is_an_index(trial: Trial, case: Case) -> None:
    """Probabilities that are 1 for one class are that class."""
    if not by_index(case) or case.arrays["weight"] is not None or np.any(array(case, "target") == case.options["ignore_index"]):
        return
    x = array(case, "x")
    hot = (array(case, "target")[..., None] == np.arange(classes_of(case))).astype(x.dtype)
    hot = hot if x.ndim == 1 else np.moveaxis(hot, -1, 1)
    accepted = trial.expected(case.but(reduction="sum"))["output"]
    other = case.but(target=np.ascontiguousarray(hot), reduction="sum", ignore_index=-100)
    storage, both = accepted.by.storage, trial.expected(other)["output"]
    room = sum(float(2 * a.error + 2 * storage.unit * abs(a.value) + storage.tiny) for a in (accepted, both))
    one, two = (float(trial.run(c)["output"]) for c in (case.but(reduction="sum"), other))
    if storage.name in ("float32", "float64"):
        apart(one, two, 2 * room, "one-hot probabilities are not their class")


CrossEntropyLoss = Operation(
    name="torch.nn.CrossEntropyLoss",
    call=call,
    oracle=cross_entropy,
    gradient=cross_entropy_gradient,
    cases=cases,
    shape=shape,
    cost=free_of_charge,
    constants=("weight",),
    rejects={
        "a class index must be less than the number of classes": with_class(1),
        "a class index must not be negative, but for ignore_index": with_class(-7),
        "label_smoothing must not be negative": lambda case: case.but(label_smoothing=-0.1),
        "label_smoothing must be at most 1": lambda case: case.but(label_smoothing=1.1),
        "reduction must be none, mean or sum": lambda case: case.but(reduction="median"),
        "weight must have one element for every class": lambda case: (
            case.but(weight=np.ones(classes_of(case) + 1, array(case, "x").dtype)) if by_index(case) else None
        ),
        "class indices must be integers": as_floats,
    },
    laws=(Law("the sum is the sum of the losses", sum_is_a_sum), Law("one-hot probabilities are a class", one_hot_is_an_index)),
    dtypes=FLOATS,
)

OPERATIONS = (CrossEntropyLoss,)
