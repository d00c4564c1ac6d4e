"""Shapes and dtypes of the results follow the documented formula, computed and inferred alike."""

from collections.abc import Mapping

from hypothesis import strategies as st

from conformance.harness import for_every_case
from conformance.judgement import Disagreement
from conformance.model import Backend, Case, Operation, Shape

INFERENCES = {  # the backend's method, and how it is said; more often the one that is cheaper
    "abstract": "when it is inferred",
    "fake": "when it is inferred on fake tensors",
}
OFTEN = ("abstract", "abstract", "abstract", "fake")


def has_shape(operation: Operation, backend: Backend) -> str | None:
    """Pairs with a shape formula."""
    return None if operation.shape else "the operation has no shape formula"


def inferred_cases(operation: Operation, dtype: str, backend: Backend) -> st.SearchStrategy[Case]:
    """The operation's cases, each asked to be inferred in one of the backend's ways."""
    asked = [method for method in OFTEN if hasattr(backend, method)] if operation.abstract else []
    return st.builds(Case.asking, operation.cases(dtype), st.sampled_from(asked or [""]))


def assert_shapes(actual: Mapping[str, tuple[Shape, str]], operation: Operation, case: Case, how: str) -> None:
    """Raise Disagreement where shapes or dtypes differ from the formula."""
    assert operation.shape is not None
    shapes = {name: None if array is None else array.shape for name, array in case.arrays.items()}
    for name, shape in operation.shape(**shapes, **case.options).items():
        if name not in actual:
            raise Disagreement(f"there is no result {name!r} {how}")
        found, dtype = actual[name]
        if tuple(found) != tuple(shape):
            raise Disagreement(f"{name} has the shape {tuple(found)} {how}, the formula gives {tuple(shape)}", result=name)
        wanted = operation.result_dtypes.get(name, case.dtype)
        if wanted not in ("any", dtype):
            raise Disagreement(f"{name} has the dtype {dtype} {how}, it must be {wanted}", result=name)


@for_every_case(applies=has_shape, cases=inferred_cases)
def test_shape(operation: Operation, case: Case, backend: Backend) -> None:
    """The computed result, and the one inferred without computing, have the formula's shape."""
    computed = {name: (array.shape, array.dtype.name) for name, array in backend.run(operation, case).items()}
    assert_shapes(computed, operation, case, "when it is computed")
    for method in [case.asked] if case.asked else INFERENCES:  # a witness that says nothing is asked for everything
        if hasattr(backend, method) and operation.abstract:
            assert_shapes(getattr(backend, method)(operation, case), operation, case, INFERENCES[method])
