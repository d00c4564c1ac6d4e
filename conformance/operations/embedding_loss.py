"""Losses of vectors by their angles and distances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation, torch
from conformance.operations.loss import (
    REGIMES,
    array,
    assert_close,
    exchanged,
    longer,
    loss,
    mean_times_count_by,
    numbers,
    option_is,
    options,
    signs,
)
from conformance.strategies import Data, data_of, side
from oracles import embedding_loss as oracles

MARGINS = (1.0, 0.5, 0.1, 2, 20.0)


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, *, margin: float, reduction: str) -> Any:
    return torch.nn.CosineEmbeddingLoss(margin, reduction=reduction)(input1, input2, target)


def triplet_margin_loss(anchor: Any, positive: Any, negative: Any, *, reduction: str, **options: Any) -> Any:
    return torch.nn.TripletMarginLoss(reduction=reduction, **options)(anchor, positive, negative)


def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, *, distance_function: str | None, reduction: str, **options: Any
) -> Any:
    def distance(x: Any, y: Any) -> Any:
        return ((x - y).abs() if distance_function == "manhattan" else (x - y) ** 2).sum(-1)

    given = None if distance_function is None else distance
    return torch.nn.TripletMarginWithDistanceLoss(distance_function=given, reduction=reduction, **options)(anchor, positive, negative)


def rows(draw: st.DrawFn) -> tuple[int, ...]:
    """(N, D) or (D,)"""
    return (*draw(st.sampled_from(((1,), (2,), (3,), (), (0,)))), draw(side()))


def long(data: Data, name: str, *shape: int) -> np.ndarray:
    """Vectors that may be long: whole numbers are multiplied by 128."""
    x = data.array(name, *shape)
    return x * x.dtype.type(128) if data.regime == "integers" and data.dtype != "float16" else x


@st.composite
def cosine_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Pairs of vectors, some of them parallel; batches and single pairs."""
    data, shape = draw(data_of(dtype, REGIMES)), rows(draw)
    first, second = long(data, "input1", *shape), long(data, "input2", *shape)
    second = np.where(data.rng("parallel").random(shape[:-1])[..., None] < 0.2, first, second)
    chosen = options(draw, margin=(0.0, 0.5, -0.5, 0.1, 1.0))
    return data.case({"input1": first, "input2": second, "target": signs(data, *shape[:-1])}, **chosen)


def triplets(data: Data, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Three vectors each, of which two are equal now and then."""
    anchor, positive, negative = numbers(data, "anchor", *shape), data.array("positive", *shape), data.array("negative", *shape)
    equal = data.rng("equal").random(shape[:-1])[..., None]
    positive = np.where(equal < 0.15, anchor, positive)
    return {"anchor": anchor, "positive": positive, "negative": np.where(equal > 0.85, positive, negative)}


@st.composite
def triplet_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Batches and single triplets, norms of several degrees."""
    data, shape = draw(data_of(dtype, REGIMES)), rows(draw)
    chosen = options(draw, margin=MARGINS, p=(2, 1, 3, np.inf), eps=(1e-6, 0.125), swap=(False, True))
    return data.case(triplets(data, shape), **chosen)


@st.composite
def distance_cases(draw: st.DrawFn, dtype: str) -> Case:
    """The same with a distance of one's own, and triplets with further axes."""
    data = draw(data_of(dtype, REGIMES))
    shape = (*draw(st.sampled_from(((1,), (3,), (2, 2), (0,)))), draw(side()))
    chosen = options(draw, distance_function=(None, "manhattan", "squared"), margin=MARGINS, swap=(False, True))
    return data.case(triplets(data, shape), **chosen)


def of_pairs(target: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """A loss for every pair, or a single number."""
    return {"output": target if reduction == "none" else ()}


def of_triplets(anchor: Any, *, reduction: str, **others: Any) -> dict[str, Any]:
    """A loss for every triplet, or a single number."""
    return {"output": anchor[:-1] if reduction == "none" else ()}


def swap_is_no_less(trial: Trial, case: Case) -> None:
    """The lesser of two distances leaves no lesser loss."""
    plain, swapped = (trial.run(case.but(swap=swap, reduction="none"))["output"].astype(float) for swap in (False, True))
    if np.any(swapped < plain):
        raise Disagreement("the loss is less with the distance swap than without", result="output")


def of_distances(trial: Trial, case: Case) -> None:
    """TripletMarginLoss is TripletMarginWithDistanceLoss with the default distance, where p and eps are the defaults."""
    if case.regime != "special" and array(case, "anchor").ndim == 2:
        case = case.but(p=2, eps=1e-6)
        kept = {name: case.options[name] for name in ("margin", "swap", "reduction")}
        other = trial.backend.run(TripletMarginWithDistanceLoss, replace(case, options={**kept, "distance_function": None}))
        assert_close(trial, case, other["output"], "with its default distance TripletMarginWithDistanceLoss differs")


def an_axis_more(name: str) -> Any:
    """An array with one axis more than the others."""
    return lambda case: case.but(**{name: array(case, name)[None]})


TRIPLETS = mean_times_count_by(lambda case: array(case, "anchor").size / array(case, "anchor").shape[-1])
SWAP = Law("the distance swap never lowers the loss", swap_is_no_less)
POSITIVE_MARGIN = {
    "the margin must not be zero": option_is("margin", 0.0),
    "the margin must not be negative": option_is("margin", -1.0),
}

CosineEmbeddingLoss = loss(
    "CosineEmbeddingLoss",
    cosine_embedding_loss,
    oracles,
    cases=cosine_cases,
    shape=of_pairs,
    plain=("target",),
    constants=("target",),
    laws=(mean_times_count_by(lambda case: array(case, "target").size), exchanged("input1", "input2")),
    rejects={"both vectors must have the same length": longer("input2")},
)
TripletMarginLoss = loss(
    "TripletMarginLoss",
    triplet_margin_loss,
    oracles,
    cases=triplet_cases,
    shape=of_triplets,
    laws=(TRIPLETS, SWAP, Law("the default distance is the p-norm", of_distances)),
    rejects={
        **POSITIVE_MARGIN,
        "all vectors must have the same length": longer("negative"),
        "all arrays must have as many axes": an_axis_more("positive"),
    },
)
TripletMarginWithDistanceLoss = loss(
    "TripletMarginWithDistanceLoss",
    triplet_margin_with_distance_loss,
    oracles,
    cases=distance_cases,
    shape=of_triplets,
    laws=(TRIPLETS, SWAP),
    rejects={
        **POSITIVE_MARGIN,
        "all vectors must have the same length": longer("negative"),
        "all arrays must have as many axes": an_axis_more("positive"),
    },
)

OPERATIONS: tuple[Operation, ...] = (CosineEmbeddingLoss, TripletMarginLoss, TripletMarginWithDistanceLoss)
