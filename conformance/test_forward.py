"""The library computes what its documentation says, up to the rounding that its declared arithmetic explains."""

from conformance.harness import for_every_case
from conformance.judgement import assert_accepted, expected
from conformance.model import Backend, Case, Operation


@for_every_case(every_dtype=True)
def test_forward(operation: Operation, case: Case, backend: Backend) -> None:
    """Every element of every result lies in the accepted set."""
    observed = backend.run(operation, case)
    assert_accepted(observed, expected(operation, case, backend, observed))
