"""Calls that the documentation forbids raise an error, not a crash and not a number."""

from conformance.harness import for_every_case
from conformance.judgement import Disagreement, set_aside
from conformance.model import Backend, Case, NotAsked, Operation


def has_rejects(operation: Operation, backend: Backend) -> str | None:
    """Operations with documented constraints."""
    return None if operation.rejects else "the operation has no documented constraint"


@for_every_case(applies=has_rejects, share=0.4)
def test_rejects(operation: Operation, case: Case, backend: Backend) -> None:
    """A valid case passes, and raises once it is broken in exactly one way."""
    backend.run(operation, case)
    for constraint, break_it in operation.rejects.items():
        broken = break_it(case)
        if broken is None or set_aside(broken):
            continue
        try:
            results = backend.run(operation, broken)
        except (*backend.refusals, NotAsked):  # refused, or a constraint on what the installed library does not have
            continue
        shapes = {name: list(array.shape) for name, array in results.items()}
        raise Disagreement(f"accepted a call that it must refuse, because {constraint}: {broken!r} gave {shapes}", case=broken)
