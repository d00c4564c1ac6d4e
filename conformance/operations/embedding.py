"""Rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import FINITE_REGIMES, FLOAT_REGIMES, data_of
from oracles import costs
from oracles.embedding import embedding, embedding_gradient


def layer(input: Any, weight: Any, **options: Any) -> Any:
    """The module that takes these arrays, without values of its own."""
    return torch.nn.Embedding(len(weight), weight.shape[1], device="meta", **options)


def call(input: Any, weight: Any, **options: Any) -> Any:
    """The module's forward on a copy of the table, and that copy afterwards."""
    table = weight.clone()
    output = torch.func.functional_call(layer(input, weight, **options), {"weight": table}, (input,))
    return {"output": output, "weight": table}


def shape(input: Shape, weight: Shape, **_: Any) -> Mapping[str, Shape]:
    """(…) → (…, D)."""
    return {"output": (*input, weight[1]), "weight": weight}


def cost(input: Shape, weight: Shape, **_: Any) -> Cost:
    """A table, and no products."""
    return costs.embedding(input, (*input, weight[1]), *weight)


LEADING = st.sampled_from(((3,), (), (1,), (0,), (2, 3), (16,), (33,), (2, 0), (2, 1, 3)))
ROWS = st.one_of(st.integers(1, 5), st.integers(1, 5), st.sampled_from((16, 17, 33)))
WIDTH = st.one_of(st.integers(1, 5), st.integers(1, 5), st.sampled_from((7, 8, 9, 15, 16, 17, 31, 32, 33)))
MAX_NORM = st.sampled_from((None, None, 1.0, 0.5, 3.0, 0.1))
INDICES = st.sampled_from((np.int64, np.int32))
NORM_TYPE = st.sampled_from((2.0, 1.0, float("inf"), 3.0, 0.5))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Indices with repetitions, at both ends; finite tables where norms are taken."""
    max_norm = draw(MAX_NORM)
    data = draw(data_of(dtype, FLOAT_REGIMES if max_norm is None else FINITE_REGIMES))
    rows, width, leading = draw(ROWS), draw(WIDTH), draw(LEADING)
    indices = data.rng("input").integers(0, rows, leading).astype(draw(INDICES))
    return data.case(
        {"input": indices, "weight": data.array("weight", rows, width)},
        padding_idx=draw(st.one_of(st.none(), st.integers(-rows, rows - 1))),
        max_norm=max_norm,
        norm_type=draw(NORM_TYPE) if max_norm is not None else 2.0,
        scale_grad_by_freq=draw(st.booleans()),
        sparse=draw(st.sampled_from((False, False, True))),
    )


def array(case: Case, name: str) -> np.ndarray:
    """An array that every case has."""
    found = case.arrays[name]
    assert found is not None
    return found


def with_index(index: Callable[[int], int]) -> Callable[[Case], Case | None]:
    """The case with its last index replaced."""

    def broken(case: Case) -> Case | None:
        indices = array(case, "input").copy()
        if not indices.size:
            return None
        indices.flat[-1] = index(len(array(case, "weight")))
        return case.but(input=indices)

    return broken


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "an index must be less than num_embeddings": with_index(lambda rows: rows),
    "an index must not be negative": with_index(lambda rows: -1),
    "indices must be integers": lambda case: case.but(input=array(case, "input").astype(np.float32)),
    "indices must be int32 or int64": lambda case: case.but(input=array(case, "input").astype(np.int16)),
}


def one_hot(trial: Trial, case: Case) -> None:
    """Looking up is copying: the very bits of the row, whatever it holds."""
    table = array(case, "weight")
    results = trial.run(case.but(max_norm=None))
    assert_same(results["output"], table[array(case, "input").astype(np.intp)], "the output is not the rows looked up")
    assert_same(results["weight"], table, "the table has changed")


def output_is_in_the_table(trial: Trial, case: Case) -> None:
    """The output holds the rows of the table as it is afterwards."""
    results = trial.run(case)
    assert_same(results["output"], results["weight"][array(case, "input").astype(np.intp)], "the output is not in the table")


def sparse_rows(call: Callable[..., Any]) -> Law:
    """The gradient of the table is sparse where that is asked, and then holds rows that were looked up, and no others."""

    def rows_of_the_gradient(**arguments: Any) -> Any:
        given = {name: a.requires_grad_() if name == "weight" else a for name, a in arguments.items()}
        call(**given)["output"].sum().backward()
        found = arguments["weight"].grad
        rows = found.coalesce().indices()[0] if found.is_sparse else found.new_zeros(0, dtype=torch.int64)
        return {"sparse": torch.tensor(found.is_sparse), "rows": rows}

    def check(trial: Trial, case: Case) -> None:
        case = case.but(scale_grad_by_freq=False)
        results = trial.backend.run(replace(trial.operation, call=rows_of_the_gradient), case)
        if bool(results["sparse"]) != case.options["sparse"]:
            raise Disagreement(
                f"the gradient of the table is {'' if results['sparse'] else 'not '}sparse with sparse={case.options['sparse']}"
            )
        strangers = set(results["rows"].tolist()) - set(array(case, "input").ravel().tolist())
        if strangers:
            raise Disagreement(f"the sparse gradient has rows that were not looked up: {sorted(strangers)}")

    return Law("a sparse gradient has the rows that were looked up", check)


Embedding = Operation(
    name="torch.nn.Embedding",
    call=call,
    oracle=embedding,
    gradient=embedding_gradient,
    shape=shape,
    cost=cost,
    module=layer,
    cases=cases,
    rejects=REJECTS,
    laws=(
        Law("the output is rows of the table", one_hot),
        Law("the output is in the table afterwards", output_is_in_the_table),
        sparse_rows(call),
    ),
    plain=("input",),
    dtypes=FLOATS,
)

OPERATIONS = (Embedding,)
