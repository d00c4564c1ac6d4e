"""A call leaves its inputs as they were, and its in-place form writes the same result over the first of them."""

from dataclasses import replace

import numpy as np

from conformance.harness import for_every_case
from conformance.judgement import Disagreement, assert_accepted, expected, named
from conformance.model import Backend, Case, Operation

AFTERWARDS = " afterwards"


def takes_arrays(operation: Operation, backend: Backend) -> str | None:
    """Operations that take arrays."""
    if not operation.takes_arrays:
        return "the operation takes no arrays"
    return None if operation.pure else "the operation writes over its inputs by design"


def watching(operation: Operation) -> Operation:
    """The operation, returning its inputs too as they are after the call."""

    def call(**arguments):  # type: ignore[no-untyped-def]
        results = named(operation.call(**arguments))
        inputs = {name: value for name, value in arguments.items() if hasattr(value, "shape")}
        return {**results, **{name + AFTERWARDS: value for name, value in inputs.items()}}

    return replace(operation, call=call)


def same(before: np.ndarray, after: np.ndarray) -> bool:
    """Bit for bit equal, NaN included."""
    return before.dtype == after.dtype and before.shape == after.shape and before.tobytes() == after.tobytes()


@for_every_case(applies=takes_arrays)
def test_purity(operation: Operation, case: Case, backend: Backend) -> None:
    """Inputs are untouched; the in-place form agrees."""
    before = {name: None if array is None else array.copy() for name, array in case.arrays.items()}
    results = backend.run(watching(operation), case)
    for name, array in before.items():
        after = results.get(name + AFTERWARDS, case.arrays[name])
        if array is not None and not same(array, np.asarray(after)):
            raise Disagreement(f"the call changed its input {name}", result=name)
    if operation.in_place is not None:
        observed = backend.run(replace(operation, call=operation.in_place), case)
        try:
            assert_accepted(observed, expected(operation, case, backend, observed))
        except Disagreement as failure:
            failure.args = (f"in place, {failure}",)
            raise
