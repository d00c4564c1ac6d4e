"""The same call twice gives the same bits; a call with a seed gives the same bits for the same seed."""

from conformance.harness import for_every_case
from conformance.judgement import Disagreement
from conformance.model import Backend, Case, Operation


def repeats(operation: Operation, backend: Backend) -> str | None:
    """Backends that promise the same bits twice, as most do."""
    return None if getattr(backend, "deterministic", True) else "the backend does not promise the same bits twice"


@for_every_case(applies=repeats, share=0.6)
def test_determinism(operation: Operation, case: Case, backend: Backend) -> None:
    """Two runs agree bit for bit."""
    first, second = backend.run(operation, case), backend.run(operation, case)
    for name in first:
        if first[name].tobytes() != second[name].tobytes():
            raise Disagreement(f"{name} differs between two runs of the same call", result=name)
