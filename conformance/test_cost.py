"""Parameters and floating-point operations are what the formulas say, and what the library's own counters count, in both directions."""

from hypothesis import strategies as st

from conformance.harness import for_every_case
from conformance.judgement import Disagreement
from conformance.model import Backend, Case, Operation

WAYS = {"computed": "count", "inferred": "abstract_count"}  # what is asked, and the backend's method that answers
COUNTS = {"parameters": "parameters", "flops": "FLOPs forward", "backward_flops": "FLOPs backward"}


def has_cost(operation: Operation, backend: Backend) -> str | None:
    """Pairs with a cost formula and a backend that counts."""
    if operation.cost is None:
        return "the operation has no cost formula"
    return None if hasattr(backend, "count") else "the backend does not count"


def ways(operation: Operation, backend: Backend) -> list[str]:
    """How a backend counts: while it computes, and while it infers shapes."""
    return [way for way, method in WAYS.items() if hasattr(backend, method) and (way == "computed" or operation.abstract)]


def counted_cases(operation: Operation, dtype: str, backend: Backend) -> st.SearchStrategy[Case]:
    """The operation's cases, each asked for the forward or the backward pass, in one of the backend's ways."""
    asked = st.sampled_from([f"{count}, {way}" for count in ("flops", "backward_flops") for way in ways(operation, backend)])
    return st.builds(Case.asking, operation.cases(dtype), asked)


@for_every_case(applies=has_cost, cases=counted_cases)
def test_cost(operation: Operation, case: Case, backend: Backend) -> None:
    """The counters agree with the formula to the digit: parameters always, and the pass that the case asks for.

    Where there are no products to be counted twice, the backward pass is not run.
    """
    assert operation.cost is not None
    asked, _, way = (case.asked or "flops, computed").partition(", ")
    shapes = {name: None if array is None else array.shape for name, array in case.arrays.items()}
    cost = operation.cost(**shapes, **case.options)
    asked = asked if cost.macs else "flops"
    counted = getattr(backend, WAYS[way])(operation, case.asking(f"{asked}, {way}"))
    for name in ("parameters", asked):
        number = getattr(cost, name)
        if name in counted and counted[name] != number:
            raise Disagreement(f"the library counts {counted[name]:,} {COUNTS[name]}, {way}, the formula gives {number:,}")
