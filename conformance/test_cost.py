"""Parameters and floating-point operations are what the formulas say, and what the library's own counters count."""

from conformance.harness import for_every_case
from conformance.judgement import Disagreement
from conformance.model import Backend, Case, Operation


def has_cost(operation: Operation, backend: Backend) -> str | None:
    """Pairs with a cost formula and a backend that counts."""
    if operation.cost is None:
        return "the operation has no cost formula"
    return None if hasattr(backend, "count") else "the backend does not count"


@for_every_case(applies=has_cost)
def test_cost(operation: Operation, case: Case, backend: Backend) -> None:
    """The counters agree with the formula to the digit."""
    assert operation.cost is not None
    shapes = {name: None if array is None else array.shape for name, array in case.arrays.items()}
    cost = operation.cost(**shapes, **case.options)
    counted = backend.count(operation, case)  # type: ignore[attr-defined]
    for name, number in {"parameters": cost.parameters, "flops": cost.flops}.items():
        if counted[name] != number:
            raise Disagreement(f"the library counts {counted[name]:,} {name}, the formula gives {number:,}")
