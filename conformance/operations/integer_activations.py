"""Activations in straight pieces on integers, which they return as they take them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, Operation
from conformance.operations.elementwise import NO_OPTIONS, SHAPES
from conformance.operations.integers import INTEGERS, on_integers
from conformance.operations.rectifiers import Hardtanh, ReLU, ReLU6, Threshold
from conformance.strategies import data_of
from oracles.shuffling import exactly

SIGNED = INTEGERS[:-1]

BOUNDS = st.sampled_from(((-1, 1), (-2, 3), (1, 3), (-3, -2), (-1.0, 1.0), (0, 6)))
LIMITS = st.fixed_dictionaries({"threshold": st.sampled_from((0, 1, 20, 100, 2.0, -2)), "value": st.sampled_from((0, 5, 1, 100, 7.0))})


def of_integers(operation: Operation, options: st.SearchStrategy[dict[str, Any]], *dtypes: str) -> Operation:
    """The operation on integers over their whole range, every second case near 0; options that are whole numbers. They have no gradient."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, chosen, shape = draw(data_of(dtype)), draw(options), draw(SHAPES)
        small = data.rng("small").integers(0 if dtype == "uint8" else -8, 9, shape).astype(dtype)
        x = small if draw(st.booleans()) else np.asarray(data.array("x", *shape))
        return data.case({"x": x}, **chosen)

    return on_integers(operation, *dtypes, oracle=exactly(operation.oracle), cases=drawn)


OPERATIONS = (
    of_integers(ReLU, NO_OPTIONS, *INTEGERS),
    of_integers(ReLU6, NO_OPTIONS, *INTEGERS),
    of_integers(Hardtanh, BOUNDS.map(lambda bounds: {"min_val": bounds[0], "max_val": bounds[1]}), *SIGNED),
    of_integers(Threshold, LIMITS, *INTEGERS),
)
