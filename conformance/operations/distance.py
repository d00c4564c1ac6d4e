"""How alike and how far apart vectors are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial, set_aside
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.elementwise import REGIMES, assert_within, room
from conformance.operations.laws import assert_same
from conformance.operations.loss import array, exchanged, free_of_charge
from conformance.strategies import Data, data_of, side
from oracles import distance


def cosine_similarity(x1: Any, x2: Any, **options: Any) -> Any:
    return torch.nn.CosineSimilarity(**options)(x1, x2)


def pairwise_distance(x1: Any, x2: Any, **options: Any) -> Any:
    return torch.nn.PairwiseDistance(**options)(x1, x2)


def without(dim: int) -> Callable[..., Mapping[str, Shape]]:
    """The common shape without one of its axes."""

    def shape(x1: Shape, x2: Shape, **_: Any) -> Mapping[str, Shape]:
        sides = list(np.broadcast_shapes(x1, x2))
        del sides[dim]
        return {"output": tuple(sides)}

    return shape


def cosine_shape(x1: Shape, x2: Shape, *, dim: int, eps: float) -> Mapping[str, Shape]:
    """(∗₁, D, ∗₂) → (∗₁, ∗₂)"""
    return without(dim)(x1, x2)


def distance_shape(x1: Shape, x2: Shape, *, p: float, eps: float, keepdim: bool) -> Mapping[str, Shape]:
    """(N, D) or (D,) → (N,) or (), with keepdim (N, 1) or (1,)"""
    found = without(-1)(x1, x2)["output"]
    return {"output": (*found, 1) if keepdim else found}


# The cases.

REPEATED = st.sampled_from((None, None, None, "x1", "x2"))


def pair(data: Data, shape: tuple[int, ...], dim: int, repeated: str | None) -> dict[str, np.ndarray]:
    """Two arrays of vectors along an axis: some equal, some opposite, some 0; `repeated` has sides of one along the others."""
    first, rng = data.array("x1", *shape), data.rng("pairs")
    single = tuple(s if axis == dim % len(shape) else 1 for axis, s in enumerate(shape))
    kind = rng.random(tuple(1 if axis == dim % len(shape) else s for axis, s in enumerate(shape)))
    second = np.where(kind < 0.15, first, np.where(kind < 0.25, -first, data.array("x2", *shape)))
    second = np.where(kind > 0.9, np.zeros_like(second), second)
    arrays = {"x1": first, "x2": second}
    return arrays if repeated is None else {**arrays, repeated: data.array(repeated, *single)}


@st.composite
def cosine_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Vectors along any of up to three axes, each by either of its numbers; eps that matters and eps that does not."""
    data = draw(data_of(dtype, REGIMES))
    sides = draw(st.lists(st.sampled_from((1, 2, 3, 0)), max_size=2))
    at = draw(st.integers(0, len(sides)))
    sides.insert(at, draw(side()))
    dim = draw(st.sampled_from((at, at - len(sides))))
    return data.case(pair(data, tuple(sides), dim, draw(REPEATED)), dim=dim, eps=draw(st.sampled_from((1e-8, 1e-3, 0.5, 8.0, 64.0))))


@st.composite
def distance_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Batches and single pairs, norms of every kind."""
    data = draw(data_of(dtype, REGIMES))
    shape = (*draw(st.sampled_from(((3,), (), (1,), (5,), (0,), (2, 2)))), draw(side()))
    return data.case(
        pair(data, shape, -1, draw(REPEATED)),
        p=draw(st.sampled_from((2, 1, np.inf, 3, 0, 0.5, -1, -np.inf, 1.5))),
        eps=draw(st.sampled_from((1e-6, 0.0, 0.125))),
        keepdim=draw(st.booleans()),
    )


# What must be refused.


def longer(case: Case) -> Case | None:
    """Vectors of the second array that are longer by one, where that cannot be broadcast."""
    x, dim = array(case, "x2"), case.options.get("dim", -1)
    if x.shape[dim] < 2:
        return None
    return case.but(x2=np.concatenate([x, np.take(x, [0], axis=dim)], axis=dim))


def dim_beyond(case: Case) -> Case:
    """An axis that neither array has."""
    rank = max(array(case, name).ndim for name in ("x1", "x2"))
    return case.but(dim=rank if case.options["dim"] >= 0 else -rank - 1)


# The laws.


def doubled(trial: Trial, case: Case) -> None:
    """Doubling one of the arrays leaves the angle as it is, where eps is out of reach."""
    if case.regime in ("integers", "cancelling", "normal"):
        case = case.but(eps=1e-8)
        x1, x2 = (np.where(np.abs(array(case, name)) < 0.25, np.ones_like(array(case, name)), array(case, name)) for name in ("x1", "x2"))
        found = [trial.run(case.but(x1=x, x2=x2))["output"] for x in (x1, x1 + x1)]
        assert_same(found[1], found[0], "twice the vector has another angle")


def at_most_one(trial: Trial, case: Case) -> None:
    """|cos| ≤ 1, within the accepted widths."""
    if case.regime != "special":
        y = trial.run(case)["output"].astype(float)
        assert_within(np.maximum(np.abs(y), 1), 1.0, room(trial, case), "|cos| is above 1")


def opposite(trial: Trial, case: Case) -> None:
    """The vector in the other direction has the cosine with the other sign."""
    found = [trial.run(case.but(x1=x))["output"] for x in (array(case, "x1"), -array(case, "x1"))]
    assert_same(found[1], -found[0], "the opposite vector has not the opposite cosine")


def types_are_promoted(trial: Trial, case: Case) -> None:
    """Vectors of two dtypes, or of integers, are taken as of the dtype to which both are promoted; so is their cosine."""
    case = case.but(**{name: whole(array(case, name)) for name in ("x1", "x2")})
    for dtype, common in (("float64", "float64"), ("int64", case.dtype)):
        for name in ("x1", "x2"):
            mixed = case.but(**{name: array(case, name).astype(dtype)})
            y = trial.run(mixed)["output"]
            if y.dtype.name != common:
                raise Disagreement(f"{case.dtype} and {dtype} give {y.dtype.name}, it must be {common}", result="output")
            if not set_aside(mixed):
                alike = trial.run(case.but(**{each: array(case, each).astype(common) for each in ("x1", "x2")}))["output"]
                assert_same(y, alike, f"{case.dtype} and {dtype} are not taken as {common}")


def whole(x: np.ndarray) -> np.ndarray:
    """Whole numbers near those of x."""
    return np.rint(np.clip(np.nan_to_num(x.astype(float)), -9, 9)).astype(x.dtype)


def kept(trial: Trial, case: Case) -> None:
    """keepdim keeps an axis of one, and changes no number."""
    plain, with_axis = (trial.run(case.but(keepdim=keepdim))["output"] for keepdim in (False, True))
    assert_same(with_axis[..., 0], plain, "keepdim changes a number")


def scales(trial: Trial, case: Case) -> None:
    """Twice the vectors and eps are twice as far apart: doubling rounds nothing in these norms and regimes."""
    if case.options["p"] in (1, 2, np.inf, -np.inf) and case.regime in ("integers", "normal", "cancelling"):
        other = case.but(x1=2 * array(case, "x1"), x2=2 * array(case, "x2"), eps=2 * case.options["eps"])
        assert_same(trial.run(other)["output"], 2 * trial.run(case)["output"], "twice the vectors are not twice as far apart")


def from_itself(trial: Trial, case: Case) -> None:
    """A vector lies where it is: without eps its distance from itself is 0."""
    if case.regime != "special":
        x = array(case, "x1")
        y = trial.run(case.but(x2=x.copy(), eps=0.0))["output"]
        if np.any(y != 0):
            raise Disagreement("a vector has a distance from itself", result="output")


CosineSimilarity = Operation(
    name="torch.nn.CosineSimilarity",
    call=cosine_similarity,
    oracle=distance.cosine_similarity,
    gradient=distance.cosine_similarity_gradient,
    shape=cosine_shape,
    cost=free_of_charge,
    cases=cosine_cases,
    rejects={
        "vectors must have the same length": longer,
        "dim must be one of the axes": dim_beyond,
        "eps must not be negative": lambda case: case.but(eps=-1.0),
    },
    laws=(
        exchanged("x1", "x2"),
        Law("twice the vector has the same angle", doubled),
        Law("the cosine is at most 1", at_most_one),
        Law("the opposite vector has the opposite cosine", opposite),
        Law("types are promoted", types_are_promoted),
    ),
    dtypes=FLOATS,
    share=2.0,
)

PairwiseDistance = Operation(
    name="torch.nn.PairwiseDistance",
    call=pairwise_distance,
    oracle=distance.pairwise_distance,
    gradient=distance.pairwise_distance_gradient,
    shape=distance_shape,
    cost=free_of_charge,
    cases=distance_cases,
    rejects={
        "vectors must have the same length": longer,
        "p must be a number": lambda case: case.but(p="two"),
        "eps must be a number": lambda case: case.but(eps="small"),
    },
    laws=(
        Law("keepdim keeps an axis of one", kept),
        Law("twice the vectors are twice as far apart", scales),
        Law("a vector has no distance from itself", from_itself),
    ),
    dtypes=FLOATS,
)

OPERATIONS = (CosineSimilarity, PairwiseDistance)
