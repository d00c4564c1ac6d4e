"""Rows of a table, reduced by bags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.embedding import INDICES, MAX_NORM, NORM_TYPE, ROWS, WIDTH, array, sparse_rows, with_index
from conformance.operations.laws import assert_same
from conformance.strategies import FINITE_REGIMES, FLOAT_REGIMES, Data, data_of
from oracles import costs
from oracles.embedding_bag import embedding_bag, embedding_bag_gradient, kept


def layer(input: Any, offsets: Any, weight: Any, per_sample_weights: Any = None, **options: Any) -> Any:
    """The module that takes these arrays, without values of its own."""
    return torch.nn.EmbeddingBag(len(weight), weight.shape[1], device="meta", **options)


def call(input: Any, offsets: Any, weight: Any, per_sample_weights: Any = None, **options: Any) -> Any:
    """The module's forward on a copy of the table, and that copy afterwards."""
    table = weight.clone()
    module = layer(input, offsets, weight, **options)
    output = torch.func.functional_call(module, {"weight": table}, (input, offsets, per_sample_weights))
    return {"output": output, "weight": table}


def shape(
    input: Shape, offsets: Shape | None, weight: Shape, per_sample_weights: Shape | None = None, *, include_last_offset: bool, **_: Any
) -> Mapping[str, Shape]:
    """(B, N), or (N,) with offsets (B,) or (B + 1,) → (B, D)."""
    bags = input[0] if offsets is None else offsets[0] - include_last_offset
    return {"output": (bags, weight[1]), "weight": weight}


def cost(input: Shape, offsets: Shape | None, weight: Shape, per_sample_weights: Shape | None = None, **options: Any) -> Cost:
    """A table, and a product for every entry of every row that is weighted."""
    parameters = costs.embedding(input, input, *weight).parameters
    return Cost(parameters, 0 if per_sample_weights is None else int(np.prod(input)) * weight[1])


# The cases.

REGIMES = (*FLOAT_REGIMES, "special")  # special values twice as often: few rows are read, and of these a maximum shows one
BAGS = st.sampled_from((2, 3, 1, 5, 4, 0))
SIZES = (2, 1, 3, 0, 5, 9, 17)
LENGTHS = st.sampled_from((2, 1, 3, 5, 17, 33, 2, 1, 3, 5, 17, 33, 0))
KINDS = st.sampled_from(("sum", "weighted sum", "mean", "max"))
SELDOM = st.sampled_from((False, False, True))


@st.composite
def bagged(draw: st.DrawFn, data: Data, rows: int) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """Indices with repetitions and where their bags begin: bags of one length, or any, some of them empty."""
    last = draw(st.booleans())
    dtype = draw(INDICES)
    if draw(st.booleans()):
        shape = (draw(BAGS), draw(LENGTHS))
        return data.rng("input").integers(0, rows, shape).astype(dtype), None, last
    ends = np.cumsum([0, *data.rng("sizes").choice(SIZES, draw(BAGS))])
    indices = data.rng("input").integers(0, rows, ends[-1]).astype(dtype)
    return indices, (ends if last else ends[:-1]).astype(draw(INDICES)), last


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Every mode with what it takes; finite tables where norms are taken."""
    kind, max_norm = draw(KINDS), draw(MAX_NORM) if draw(SELDOM) else None
    mode = kind.removeprefix("weighted ")
    data = draw(data_of(dtype, REGIMES if max_norm is None else FINITE_REGIMES))
    rows, width = draw(ROWS), draw(WIDTH)
    indices, offsets, last = draw(bagged(data, rows))
    arrays = {
        "input": indices,
        "offsets": offsets,
        "weight": data.array("weight", rows, width),
        "per_sample_weights": data.array("per_sample_weights", *indices.shape) if kind != mode else None,
    }
    return data.case(
        arrays,
        mode=mode,
        padding_idx=draw(st.one_of(st.none(), st.integers(-rows, rows - 1))),
        include_last_offset=last,
        max_norm=max_norm,
        norm_type=draw(NORM_TYPE) if max_norm is not None else 2.0,
        scale_grad_by_freq=mode != "max" and draw(st.booleans()),
        sparse=mode != "max" and draw(SELDOM),
    )


# What must be refused.


def with_offset(at: int, change: Callable[[Case, int], int]) -> Callable[[Case], Case | None]:
    """The case with one of its offsets replaced."""

    def broken(case: Case) -> Case | None:
        if case.arrays["offsets"] is None or not array(case, "offsets").size:
            return None
        offsets = array(case, "offsets").copy()
        offsets[at] = change(case, int(offsets[at]))
        return case.but(offsets=offsets)

    return broken


def less_than_the_input(case: Case) -> Case | None:
    """The last of the offsets, which says where the last bag ends, and is the size of the input, is less."""
    if not case.options["include_last_offset"] or case.arrays["offsets"] is None or not array(case, "input").size:
        return None
    return with_offset(-1, lambda case, offset: offset - 1)(case) if len(array(case, "offsets")) > 2 else None


def decreasing(case: Case) -> Case | None:
    """A bag that ends before it begins: the last but one offset is the size of the input, and the last is less."""
    offsets, size = case.arrays["offsets"], array(case, "input").size
    if offsets is None or len(offsets) < 3 or not size or case.options["include_last_offset"]:
        return None
    return with_offset(-1, lambda case, offset: size - 1)(with_offset(-2, lambda case, offset: size)(case) or case)


def negative(case: Case) -> Case | None:
    """A bag, not the first one, that begins before the input."""
    offsets = case.arrays["offsets"]
    return None if offsets is None or len(offsets) < 2 else with_offset(-1, lambda case, offset: -1)(case)


def of_weights(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Case], Case | None]:
    """The case with its weights changed, if it has any."""

    def broken(case: Case) -> Case | None:
        weights = case.arrays["per_sample_weights"]
        return None if weights is None or not weights.size else case.but(per_sample_weights=change(weights))

    return broken


def weighted(mode: str) -> Callable[[Case], Case]:
    """Weights in a mode that takes none."""
    return lambda case: case.but(
        mode=mode,
        per_sample_weights=np.ones(array(case, "input").shape, array(case, "weight").dtype),
        scale_grad_by_freq=False,
        sparse=False,
    )


def offsets_of_rows(case: Case) -> Case | None:
    """Offsets beside bags of one length."""
    return case.but(offsets=np.zeros(1, np.int64)) if case.arrays["offsets"] is None else None


def without_offsets(case: Case) -> Case | None:
    """Indices of one axis, and no offsets."""
    return None if case.arrays["offsets"] is None else case.but(offsets=None)


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "an index must be less than num_embeddings": with_index(lambda rows: rows),
    "an index must not be negative": with_index(lambda rows: -1),
    "indices must be integers": lambda case: case.but(input=array(case, "input").astype(np.float32)),
    "the first offset must be 0": with_offset(0, lambda case, offset: 1),
    "an offset must not be beyond the input": with_offset(-1, lambda case, offset: array(case, "input").size + 1),
    "offsets must not decrease": decreasing,
    "an offset must not be negative": negative,
    "the last offset must be the size of the input": less_than_the_input,
    "offsets are for indices of one axis": offsets_of_rows,
    "indices of one axis need offsets": without_offsets,
    "indices must have one or two axes": lambda case: case.but(input=array(case, "input")[None, None], offsets=None),
    "offsets must have one axis": lambda case: None if case.arrays["offsets"] is None else case.but(offsets=array(case, "offsets")[None]),
    "weights are for sums, not for means": weighted("mean"),
    "weights are for sums, not for maxima": weighted("max"),
    "weights must have the shape of the input": of_weights(lambda weights: weights.ravel()[1:]),
    "mode must be sum, mean or max": lambda case: case.but(mode="min", per_sample_weights=None),
    "maxima cannot be scaled by frequencies": lambda case: case.but(
        mode="max", per_sample_weights=None, scale_grad_by_freq=True, sparse=False
    ),
    "maxima have no sparse gradient": lambda case: case.but(mode="max", per_sample_weights=None, scale_grad_by_freq=False, sparse=True),
    "padding_idx must be within num_embeddings": lambda case: case.but(padding_idx=len(array(case, "weight"))),
    "padding_idx must not be before the first row": lambda case: case.but(padding_idx=-len(array(case, "weight")) - 1),
}


# The laws.


def whole(case: Case) -> Case:
    """The case with whole numbers near its own, which add up exactly, and no norms."""

    def rounded(x: np.ndarray | None) -> np.ndarray | None:
        return None if x is None else np.rint(np.clip(np.nan_to_num(x.astype(float)), -8, 8)).astype(x.dtype)

    arrays = {name: rounded(case.arrays[name]) for name in ("weight", "per_sample_weights")}
    return case.but(**arrays, max_norm=None)


def rows_are_bags(trial: Trial, case: Case) -> None:
    """Indices of two axes are the same as their rows one after the other, with offsets."""
    case, indices = whole(case), array(case, "input")
    if indices.ndim == 2:
        starts = np.arange(len(indices)) * indices.shape[1]
        weights = case.arrays["per_sample_weights"]
        flat = case.but(
            input=indices.ravel(),
            offsets=starts,
            per_sample_weights=None if weights is None else weights.ravel(),
            include_last_offset=False,
        )
        assert_same(trial.run(flat)["output"], trial.run(case)["output"], "rows of indices are not bags of their length")


def last_offset(trial: Trial, case: Case) -> None:
    """The last offset says nothing that is not known without it."""
    if case.arrays["offsets"] is not None:
        case, last = whole(case), case.options["include_last_offset"]
        offsets = array(case, "offsets")
        ends = offsets[:-1] if last else np.append(offsets, array(case, "input").size).astype(offsets.dtype)
        other = case.but(offsets=ends, include_last_offset=not last)
        assert_same(trial.run(other)["output"], trial.run(case)["output"], "it is another with the last offset than without")


def order_does_not_matter(trial: Trial, case: Case) -> None:
    """The indices of each bag backwards, with their weights, give the same."""
    case, indices = whole(case), array(case, "input")
    if indices.ndim == 2:
        weights = case.arrays["per_sample_weights"]
        turned = case.but(input=indices[:, ::-1].copy(), per_sample_weights=None if weights is None else weights[:, ::-1].copy())
        assert_same(trial.run(turned)["output"], trial.run(case)["output"], "the order within a bag matters")


def padding_is_left_out(trial: Trial, case: Case) -> None:
    """Bags with padding_idx are those without its places."""
    padding = case.options["padding_idx"]
    if padding is None or case.arrays["offsets"] is None:
        return
    case = whole(case).but(include_last_offset=False, offsets=array(case, "offsets")[: -1 if case.options["include_last_offset"] else None])
    taken, offsets, weights = (
        kept(array(case, "input"), padding, len(array(case, "weight"))),
        array(case, "offsets"),
        case.arrays["per_sample_weights"],
    )
    before = np.append(0, np.cumsum(taken))[offsets].astype(offsets.dtype)
    other = case.but(
        input=array(case, "input")[taken],
        offsets=before,
        per_sample_weights=None if weights is None else weights[taken],
        padding_idx=None,
    )
    assert_same(trial.run(other)["output"], trial.run(case)["output"], "padding_idx does not leave out its places")


EmbeddingBag = Operation(
    name="torch.nn.EmbeddingBag",
    call=call,
    oracle=embedding_bag,
    gradient=embedding_bag_gradient,
    shape=shape,
    cost=cost,
    module=layer,
    cases=cases,
    rejects=REJECTS,
    laws=(
        Law("rows of indices are bags", rows_are_bags),
        Law("the last offset is the size of the input", last_offset),
        Law("the order within a bag does not matter", order_does_not_matter),
        Law("padding is left out", padding_is_left_out),
        sparse_rows(call),
    ),
    plain=("input", "offsets"),
    follows_subject=True,
    dtypes=FLOATS,
    share=3,
)

OPERATIONS = (EmbeddingBag,)
