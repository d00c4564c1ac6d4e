"""The gradient of every floating input is the derivative of the documented formula, up to explained rounding."""

from conformance.harness import for_every_case
from conformance.judgement import Disagreement, assert_accepted, expected_gradient
from conformance.model import Backend, Case, Operation
from conformance.strategies import more_data


def has_gradient(operation: Operation, backend: Backend) -> str | None:
    """Pairs with a gradient formula and a backend that differentiates."""
    if operation.gradient is None:
        return "the operation has no gradient"
    return None if hasattr(backend, "pullback") else "the backend has no gradients"


@for_every_case(applies=has_gradient, every_dtype=True)
def test_gradient(operation: Operation, case: Case, backend: Backend) -> None:
    """Gradients by a random cotangent of the output are accepted."""
    observed = backend.run(operation, case)
    dy = more_data(case).array("cotangent", *observed["output"].shape)
    try:
        gradients = backend.pullback(operation, case, dy)  # type: ignore[attr-defined]
        assert_accepted(gradients, expected_gradient(operation, case, backend, dy, observed))
    except Disagreement as failure:
        failure.args = (f"the gradient of {failure}",)
        failure.dy = dy
        raise
