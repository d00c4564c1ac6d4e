"""Losses of classes, by index or by probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, torch
from conformance.operations.elementwise import FAR, room, sprinkled
from conformance.operations.loss import REGIMES, array, assert_close, loss, mean_times_count_by, numbers, options, positive, probabilities
from conformance.operations.softmax import LogSoftmax
from conformance.strategies import Data, data_of
from oracles import classification_loss as oracles


def cross_entropy(input: Any, target: Any, weight: Any, **options: Any) -> Any:
    return torch.nn.CrossEntropyLoss(weight, **options)(input, target)


def nll_loss(input: Any, target: Any, weight: Any, **options: Any) -> Any:
    return torch.nn.NLLLoss(weight, **options)(input, target)


def places(input: tuple[int, ...]) -> tuple[int, ...]:
    """The batch and further axes of (N, C, d₁, …); none of (C,)."""
    return input[:1] * (len(input) > 1) + input[2:]


def shape(input: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """The batch and further axes, or a single number."""
    return {"output": places(input) if reduction == "none" else ()}


def sides(draw: st.DrawFn) -> tuple[int, ...]:
    """(N, C), (N, C, d₁), (N, C, d₁, d₂), (C,); the batch may be empty, the number of classes around a vector's width."""
    classes = draw(st.one_of(st.integers(1, 6), st.sampled_from((8, 16, 17, 33))))
    batch = draw(st.sampled_from((1, 2, 3, 8, 0, None)))
    further = () if batch is None else draw(st.sampled_from(((), (), (3,), (2, 2))))
    return (classes,) if batch is None else (batch, classes, *further)


def indices(draw: st.DrawFn, data: Data, input: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """Classes, some or all of which are ignore_index."""
    rng, classes = data.rng("target"), input[min(1, len(input) - 1)]
    ignore_index = draw(st.sampled_from((-100, -1, 0, classes - 1)))
    ignored = rng.random(places(input)) < draw(st.sampled_from((0.0, 0.3, 1.0)))
    return np.asarray(np.where(ignored, ignore_index, rng.integers(0, classes, places(input)))), ignore_index


def weights(draw: st.DrawFn, data: Data, input: tuple[int, ...]) -> np.ndarray | None:
    """A weight for each class, or none."""
    return positive(data, "weight", input[min(1, len(input) - 1)]) if draw(st.booleans()) else None


@st.composite
def cross_entropy_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Logits up to where exponentials overflow, class indices or probabilities."""
    data, shape = draw(data_of(dtype, REGIMES)), sides(draw)
    input = numbers(data, "input", *shape)
    input = sprinkled(data, input, FAR) if draw(st.sampled_from((False, False, True))) else input
    target, ignore_index = indices(draw, data, shape) if draw(st.sampled_from((True, True, False))) else (None, -100)
    arrays = {"input": input, "target": probabilities(data, "target", *shape) if target is None else target}
    chosen = {"ignore_index": ignore_index, **options(draw, label_smoothing=(0.0, 0.0, 0.1, 0.5, 1.0))}
    return data.case({**arrays, "weight": weights(draw, data, shape)}, **chosen)


@st.composite
def nll_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Any numbers as log-probabilities, which nothing asks to be normalised."""
    data, shape = draw(data_of(dtype, REGIMES)), sides(draw)
    target, ignore_index = indices(draw, data, shape)
    arrays = {"input": numbers(data, "input", *shape), "target": target, "weight": weights(draw, data, shape)}
    return data.case(arrays, ignore_index=ignore_index, **options(draw))


# Constraints.


def classes_of(case: Case) -> int:
    """The number of classes."""
    x = array(case, "input")
    return x.shape[min(1, x.ndim - 1)]


def by_index(case: Case) -> bool:
    """Whether the targets are class indices, and there are some."""
    return array(case, "target").dtype.kind == "i" and array(case, "target").size > 0


def with_class(index: int) -> Callable[[Case], Case | None]:
    """The first target is a class that there is not."""

    def broken(case: Case) -> Case | None:
        if not by_index(case):
            return None
        target = array(case, "target").copy()
        target.flat[0] = index if index < 0 else classes_of(case)
        return None if target.flat[0] == case.options["ignore_index"] else case.but(target=target)

    return broken


def as_dtype(dtype: str | None) -> Callable[[Case], Case | None]:
    """Class indices of another dtype, or of the input's."""

    def broken(case: Case) -> Case | None:
        input, target = array(case, "input"), array(case, "target")
        same_shape = target.shape == input.shape and dtype is None
        return case.but(target=target.astype(dtype or input.dtype)) if by_index(case) and not same_shape else None

    return broken


def weight_too_long(case: Case) -> Case | None:
    """A weight more than there are classes."""
    return case.but(weight=np.ones(classes_of(case) + 1, array(case, "input").dtype)) if by_index(case) else None


def batch_too_long(case: Case) -> Case | None:
    """A target more than there are inputs."""
    target = array(case, "target")
    return case.but(target=np.concatenate([target, target[:1]])) if target.ndim and len(target) else None


REJECTS = {
    "a class index must be less than the number of classes": with_class(1),
    "a class index must not be negative, but for ignore_index": with_class(-7),
    "class indices must be integers": as_dtype(None),
    "class indices must not be int32": as_dtype("int32"),
    "weight must have one element for every class": weight_too_long,
    "there must be a target for every input": batch_too_long,
}

# Laws.


def count(case: Case) -> float:
    """What a mean divides by."""
    target, weight = array(case, "target"), case.arrays["weight"]
    if not by_index(case):
        return array(case, "input").size / max(1, classes_of(case))
    kept = target[target != case.options["ignore_index"]]
    return float(kept.size if weight is None else np.sum(weight.astype(float)[kept]))


def one_hot_is_an_index(trial: Trial, case: Case) -> None:
    """Probabilities that are 1 for one class are that class."""
    ignored = np.any(array(case, "target") == case.options["ignore_index"])
    if by_index(case) and case.arrays["weight"] is None and not ignored and case.regime != "special":
        input = array(case, "input")
        hot = (array(case, "target")[..., None] == np.arange(classes_of(case))).astype(input.dtype)
        hot = np.ascontiguousarray(hot if input.ndim == 1 else np.moveaxis(hot, -1, 1))
        other = case.but(target=hot, ignore_index=-100)
        assert_close(trial, case, trial.run(other)["output"], "one-hot probabilities are not their class", room(trial, other))


def of_the_logarithm(trial: Trial, case: Case) -> None:
    """Without smoothing it is NLLLoss of LogSoftmax."""
    if by_index(case) and case.regime != "special":
        case, input = case.but(label_smoothing=0.0), array(case, "input")
        softmax = replace(case, arrays={"input": input}, options={"dim": min(1, input.ndim - 1)})
        logs = trial.backend.run(LogSoftmax, softmax)["output"]
        kept = {name: case.options[name] for name in ("ignore_index", "reduction")}
        other = replace(case, arrays={**case.arrays, "input": logs}, options=kept)
        width = room(replace(trial, operation=NLLLoss), other)
        assert_close(trial, case, trial.backend.run(NLLLoss, other)["output"], "it is not NLLLoss of LogSoftmax", width)


MEAN = mean_times_count_by(count)

CrossEntropyLoss = loss(
    "CrossEntropyLoss",
    cross_entropy,
    oracles,
    cases=cross_entropy_cases,
    shape=shape,
    constants=("weight",),
    laws=(
        MEAN,
        Law("one-hot probabilities are a class", one_hot_is_an_index),
        Law("it is NLLLoss of LogSoftmax", of_the_logarithm),
    ),
    rejects={
        **REJECTS,
        "label_smoothing must not be negative": lambda case: case.but(label_smoothing=-0.1),
        "label_smoothing must be at most 1": lambda case: case.but(label_smoothing=1.1),
    },
)
NLLLoss = loss("NLLLoss", nll_loss, oracles, cases=nll_cases, shape=shape, constants=("weight",), laws=(MEAN,), rejects=REJECTS)

OPERATIONS: tuple[Operation, ...] = (CrossEntropyLoss, NLLLoss)
