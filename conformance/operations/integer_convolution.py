"""Convolutions of integers."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, Operation
from conformance.operations import convolution, transposed_convolution
from conformance.operations.integers import INTEGERS, on_integers
from conformance.strategies import Data
from oracles.shuffling import exactly


def of_integers(operation: Operation, *dtypes: str) -> Operation:
    """The operation on small integers, which have no gradient; those of fewer than 64 bits may wrap, and are not dilated."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        case = draw(operation.cases("float64"))
        data = Data("float64", "integers", case.seed)
        arrays = {name: None if a is None else data.array(name, *a.shape) for name, a in case.arrays.items()}
        kept = {name: None if a is None else (np.abs(a) if dtype == "uint8" else a).astype(dtype) for name, a in arrays.items()}
        case = replace(case, arrays=kept, dtype=dtype, regime="integers")
        return case if dtype == "int64" else case.but(dilation=1)

    arrays = tuple(inspect.signature(operation.oracle).parameters)[:3]
    return on_integers(operation, *dtypes, oracle=exactly(operation.oracle), cases=drawn, plain=arrays, share=0.3)


OPERATIONS = (
    *(of_integers(operation, *INTEGERS) for operation in convolution.OPERATIONS),
    *(of_integers(operation, "int64") for operation in transposed_convolution.OPERATIONS),
)
