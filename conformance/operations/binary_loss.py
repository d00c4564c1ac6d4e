"""Losses of yes and no: cross entropies of two classes, and of many labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial, balls
from conformance.model import Case, Law, Operation, torch
from conformance.operations.elementwise import FAR, SHAPES, room, sprinkled
from conformance.operations.loss import (
    MEAN,
    REGIMES,
    array,
    assert_close,
    first_is,
    longer,
    loss,
    mean_times_count_by,
    numbers,
    options,
    positive,
    probabilities,
    signs,
)
from conformance.operations.smooth_activations import Sigmoid
from conformance.strategies import DTYPES, data_of, side
from oracles import binary_loss as oracles


def binary_cross_entropy(input: Any, target: Any, weight: Any, *, reduction: str) -> Any:
    return torch.nn.BCELoss(weight, reduction=reduction)(input, target)


def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any, pos_weight: Any, *, reduction: str) -> Any:
    return torch.nn.BCEWithLogitsLoss(weight, reduction=reduction, pos_weight=pos_weight)(input, target)


def soft_margin_loss(input: Any, target: Any, *, reduction: str) -> Any:
    return torch.nn.SoftMarginLoss(reduction=reduction)(input, target)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any, *, reduction: str) -> Any:
    return torch.nn.MultiLabelSoftMarginLoss(weight, reduction=reduction)(input, target)


def of_weights(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a weight that broadcasts to a shape: all of it, its last axes, or 1 along some."""
    kept = shape[draw(st.integers(0, len(shape))) :]
    return tuple(draw(st.sampled_from((length, 1))) for length in kept)


@st.composite
def bce_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Probabilities with 0 and 1 among them; a weight of the same or of a wider float type."""
    data, shape = draw(data_of(dtype, REGIMES)), draw(SHAPES)
    weight = positive(data, "weight", *of_weights(draw, shape)) if draw(st.booleans()) else None
    if weight is not None and draw(st.booleans()):
        weight = weight.astype(DTYPES["float32"])
    arrays = {"input": probabilities(data, "input", *shape), "target": probabilities(data, "target", *shape)}
    return data.case({**arrays, "weight": weight}, **options(draw))


@st.composite
def logits_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Logits up to where exponentials overflow, and weights of elements and of positives."""
    data, shape = draw(data_of(dtype, REGIMES)), draw(SHAPES)
    input = numbers(data, "input", *shape)
    weights = {name: positive(data, name, *of_weights(draw, shape)) if draw(st.booleans()) else None for name in ("weight", "pos_weight")}
    arrays = {"input": sprinkled(data, input, FAR) if draw(st.booleans()) else input, "target": probabilities(data, "target", *shape)}
    return data.case({**arrays, **weights}, **options(draw))


@st.composite
def sign_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Scores up to where exponentials overflow, and signs."""
    data, shape = draw(data_of(dtype, REGIMES)), draw(SHAPES)
    input = numbers(data, "input", *shape)
    input = sprinkled(data, input, FAR) if draw(st.booleans()) else input
    return data.case({"input": input, "target": signs(data, *shape)}, **options(draw))


@st.composite
def label_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Scores of labels, which of them hold, and a weight of each."""
    data = draw(data_of(dtype, REGIMES))
    shape = (draw(st.sampled_from((1, 2, 3, 0))), draw(side()))
    input = numbers(data, "input", *shape)
    target = np.asarray(data.rng("target").integers(0, 2, shape)).astype(input.dtype)
    weight = positive(data, "weight", shape[-1]) if draw(st.booleans()) else None
    input = sprinkled(data, input, FAR) if draw(st.booleans()) else input
    return data.case({"input": input, "target": target, "weight": weight}, **options(draw))


def of_rows(input: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """One loss for every row, or a single number."""
    return {"output": input[:-1] if reduction == "none" else ()}


def of_the_sigmoid(trial: Trial, case: Case) -> None:
    """BCEWithLogitsLoss is BCELoss of Sigmoid, within what its rounding explains."""
    if case.regime == "special" or case.arrays["pos_weight"] is not None:
        return
    backend, scores = trial.backend, replace(case, arrays={"x": array(case, "input")}, options={})
    p = backend.run(Sigmoid, scores)["output"]
    other = replace(case, arrays={"input": p, "target": array(case, "target"), "weight": case.arrays["weight"]})
    given = balls(Sigmoid, scores, backend, backend.arithmetic(Sigmoid, case.dtype).as_composite())
    fixed, own = balls(BCELoss, other, backend), room(replace(trial, operation=BCELoss), other)
    width: Any = 0.0
    with np.errstate(all="ignore"):
        for formulation in (Sigmoid.oracle, *Sigmoid.oracle.formulations):  # type: ignore[attr-defined]
            low, high = oracles.binary_cross_entropy(**{**fixed, "input": formulation(**given)}, **case.options).limits()
            width = np.maximum(width, np.where(np.isfinite(high - low), high - low, np.inf) + own)
    assert_close(trial, case, backend.run(BCELoss, other)["output"], "it is not BCELoss of Sigmoid", width)


def weights_of_one(trial: Trial, case: Case) -> None:
    """Weights of 1 are none."""
    ones = np.ones(array(case, "input").shape[-1:], array(case, "input").dtype)
    bare = case.but(weight=None)
    assert_close(trial, bare, trial.run(case.but(weight=ones))["output"], "weights of 1 change the loss")


NO_WEIGHTS = Law("weights of 1 are none", weights_of_one)
SHAPES_DIFFER = {"the target must have the input's shape": longer("target")}

BCELoss = loss(
    "BCELoss",
    binary_cross_entropy,
    oracles,
    cases=bce_cases,
    constants=("weight",),
    laws=(MEAN, NO_WEIGHTS),
    rejects={
        "probabilities must be at most 1": first_is("input", 1.5),
        "probabilities must not be negative": first_is("input", -0.25),
        "targets must be at most 1": first_is("target", 2.0),
        "targets must not be negative": first_is("target", -1.0),
        **SHAPES_DIFFER,
    },
)
BCEWithLogitsLoss = loss(
    "BCEWithLogitsLoss",
    binary_cross_entropy_with_logits,
    oracles,
    cases=logits_cases,
    constants=("weight", "pos_weight"),
    laws=(MEAN, NO_WEIGHTS, Law("it is BCELoss of Sigmoid", of_the_sigmoid)),
    rejects=SHAPES_DIFFER,
)
SoftMarginLoss = loss("SoftMarginLoss", soft_margin_loss, oracles, cases=sign_cases, constants=("target",), rejects=SHAPES_DIFFER)
MultiLabelSoftMarginLoss = loss(
    "MultiLabelSoftMarginLoss",
    multilabel_soft_margin_loss,
    oracles,
    cases=label_cases,
    shape=of_rows,
    laws=(mean_times_count_by(lambda case: len(array(case, "input"))), NO_WEIGHTS),
    rejects=SHAPES_DIFFER,
)

OPERATIONS: tuple[Operation, ...] = (BCELoss, BCEWithLogitsLoss, SoftMarginLoss, MultiLabelSoftMarginLoss)
