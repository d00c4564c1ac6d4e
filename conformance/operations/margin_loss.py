"""Losses that stop where a margin is kept: of pairs of numbers, of classes and of sets of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial, set_aside
from conformance.model import Case, Law, Operation, torch
from conformance.operations.elementwise import SHAPES
from conformance.operations.laws import assert_same
from conformance.operations.loss import (
    REGIMES,
    array,
    assert_close,
    beside,
    first_is,
    longer,
    loss,
    mean_times_count_by,
    numbers,
    option_is,
    options,
    positive,
    signs,
)
from conformance.strategies import Data, data_of
from oracles import margin_loss as oracles

MARGINS = (1.0, 0.0, 0.5, 0.1, 2, -1.0)
WIDE = ("float64", "float32")


def hinge_embedding_loss(input: Any, target: Any, *, margin: float, reduction: str) -> Any:
    return torch.nn.HingeEmbeddingLoss(margin, reduction=reduction)(input, target)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, *, margin: float, reduction: str) -> Any:
    return torch.nn.MarginRankingLoss(margin, reduction=reduction)(input1, input2, target)


def multi_margin_loss(input: Any, target: Any, weight: Any, *, p: int, margin: float, reduction: str) -> Any:
    return torch.nn.MultiMarginLoss(p, margin, weight, reduction=reduction)(input, target)


def multilabel_margin_loss(input: Any, target: Any, *, reduction: str) -> Any:
    return torch.nn.MultiLabelMarginLoss(reduction=reduction)(input, target)


@st.composite
def hinge_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Distances, some of them equal to the margin, and signs."""
    data, shape, chosen = draw(data_of(dtype, REGIMES)), draw(SHAPES), options(draw, margin=MARGINS)
    margins = np.full(shape, chosen["margin"]).astype(data.array("input").dtype)
    return data.case({"input": beside(data, margins, numbers(data, "input", *shape), ()), "target": signs(data, *shape)}, **chosen)


@st.composite
def ranking_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Pairs, some of them equal or apart by the margin; batches and single pairs."""
    data, shape, chosen = draw(data_of(dtype, REGIMES)), draw(SHAPES)[:1], options(draw, margin=(0.0, *MARGINS))
    first = numbers(data, "input1", *shape)
    second = beside(data, first, data.array("input2", *shape), (chosen["margin"],))
    return data.case({"input1": first, "input2": second, "target": signs(data, *shape)}, **chosen)


def scores(draw: st.DrawFn, data: Data) -> np.ndarray:
    """(N, C) or (C,)"""
    batch = draw(st.sampled_from(((1,), (2,), (3,), (), (0,))))
    return numbers(data, "input", *batch, draw(st.one_of(st.integers(1, 6), st.sampled_from((8, 16, 17)))))


def without_reduction_of_nothing(case: Case) -> Case:
    """An empty batch with the losses as they are: a law of its own asks for their sum and mean."""
    return case if array(case, "input").size else case.but(reduction="none")


@st.composite
def class_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Scores of classes, one class of each row, weights of classes."""
    data = draw(data_of(dtype, REGIMES))
    input = scores(draw, data)
    target = np.asarray(data.rng("target").integers(0, input.shape[-1], input.shape[:-1]))
    weight = positive(data, "weight", input.shape[-1]) if draw(st.booleans()) else None
    chosen = options(draw, p=(1, 2), margin=MARGINS)
    return without_reduction_of_nothing(data.case({"input": input, "target": target, "weight": weight}, **chosen))


@st.composite
def label_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Scores of classes, and lists of different ones that end at −1, behind which anything may stand."""
    data = draw(data_of(dtype, REGIMES))
    input = scores(draw, data)
    rng, count = data.rng("target"), input.shape[-1]
    target = np.argsort(rng.random(input.shape), axis=-1)
    ends = rng.integers(0, count + 1, (*input.shape[:-1], 1))
    ends = np.where(rng.random(ends.shape) < 0.2, rng.choice([0, count], ends.shape), ends)
    target = np.where(np.arange(count) == ends, -1, target)
    return without_reduction_of_nothing(data.case({"input": input, "target": target}, **options(draw)))


def as_target(input: Any, target: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """A loss for every class index, or a single number."""
    return {"output": target if reduction == "none" else ()}


def of_pairs(input1: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """A loss for every pair, or a single number."""
    return {"output": input1 if reduction == "none" else ()}


def of_rows(input: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """A loss for every row, or a single number."""
    return {"output": input[:-1] if reduction == "none" else ()}


def the_other_way_round(trial: Trial, case: Case) -> None:
    """Exchanging a pair and its sign changes nothing."""
    turned = case.but(input1=array(case, "input2"), input2=array(case, "input1"), target=-array(case, "target"))
    assert_same(trial.run(turned)["output"], trial.run(case)["output"], "a pair the other way round has another loss")


def rows_alone(trial: Trial, case: Case) -> None:
    """A row by itself has the loss that it has in its batch."""
    input, target = array(case, "input"), array(case, "target")
    if input.ndim == 2 and len(input):
        each = case.but(reduction="none")
        alone = trial.run(each.but(input=input[-1], target=np.asarray(target[-1])))["output"]
        assert_same(alone, trial.run(each)["output"][-1], "a row by itself has another loss")


def of_nothing(trial: Trial, case: Case) -> None:
    """The mean of no losses is 0 / 0, their sum 0."""
    input, target = array(case, "input"), array(case, "target")
    if input.ndim == 2:
        for reduction, wanted in (("mean", np.nan), ("sum", 0.0)):
            empty = case.but(input=input[:0], target=target[:0], reduction=reduction)
            if not set_aside(empty):
                assert_same(trial.run(empty)["output"], np.asarray(wanted), f"the {reduction} of no losses")


def weights_of_one(trial: Trial, case: Case) -> None:
    """Weights of 1 are none."""
    ones = np.ones(array(case, "input").shape[-1:], array(case, "input").dtype)
    assert_close(trial, case.but(weight=None), trial.run(case.but(weight=ones))["output"], "weights of 1 change the loss")


def beyond(case: Case) -> Case | None:
    """The first class index is the number of classes."""
    return first_is("target", array(case, "input").shape[-1])(case)


def weight_too_long(case: Case) -> Case:
    """A weight more than there are classes."""
    input = array(case, "input")
    return case.but(weight=np.ones(input.shape[-1] + 1, input.dtype))


ROWS = mean_times_count_by(lambda case: array(case, "input").size / array(case, "input").shape[-1])
NOTHING = Law("the sum of no losses is 0, their mean NaN", of_nothing)
ALONE = Law("a row by itself has the same loss", rows_alone)

HingeEmbeddingLoss = loss(
    "HingeEmbeddingLoss",
    hinge_embedding_loss,
    oracles,
    cases=hinge_cases,
    constants=("target",),
    rejects={"the target must have the input's shape": longer("target")},
)
MarginRankingLoss = loss(
    "MarginRankingLoss",
    margin_ranking_loss,
    oracles,
    cases=ranking_cases,
    shape=of_pairs,
    laws=(
        mean_times_count_by(lambda case: array(case, "input1").size),
        Law("a pair the other way round has the same loss", the_other_way_round),
    ),
    rejects={
        "all arrays must have one shape": longer("input2"),
        "all arrays must have the same number of axes": lambda case: case.but(target=array(case, "target")[None]),
    },
)
MultiMarginLoss = loss(
    "MultiMarginLoss",
    multi_margin_loss,
    oracles,
    cases=class_cases,
    dtypes=WIDE,
    shape=as_target,
    constants=("weight",),
    laws=(ROWS, NOTHING, ALONE, Law("weights of 1 are none", weights_of_one)),
    rejects={
        "p must be 1 or 2": option_is("p", 3),
        "a class index must be less than the number of classes": beyond,
        "a class index must not be negative": first_is("target", -1),
        "weight must have one element for every class": weight_too_long,
    },
)
MultiLabelMarginLoss = loss(
    "MultiLabelMarginLoss",
    multilabel_margin_loss,
    oracles,
    cases=label_cases,
    dtypes=WIDE,
    shape=of_rows,
    laws=(ROWS, NOTHING, ALONE),
    rejects={
        "a class index must be less than the number of classes": beyond,
        "a class index must not be less than −1": first_is("target", -2),
        "the target must have the input's shape": longer("target"),
    },
)

OPERATIONS: tuple[Operation, ...] = (HingeEmbeddingLoss, MarginRankingLoss, MultiMarginLoss, MultiLabelMarginLoss)
