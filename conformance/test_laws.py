"""Statements about several calls that hold whatever an oracle says."""

from conformance.harness import for_every_case
from conformance.judgement import Disagreement, Trial
from conformance.model import Backend, Case, Operation


def has_laws(operation: Operation, backend: Backend) -> str | None:
    """Operations with laws."""
    return None if operation.laws else "the operation has no law"


@for_every_case(applies=has_laws)
def test_laws(operation: Operation, case: Case, backend: Backend) -> None:
    """Every law of the operation holds for the case."""
    for law in operation.laws:
        try:
            law.check(Trial(operation, backend), case)
        except Disagreement as failure:
            failure.args = (f"the law “{law.name}” is broken: {failure}",)
            raise
