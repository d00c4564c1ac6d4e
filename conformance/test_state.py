"""State saved and loaded midway changes nothing: the run goes on as if it had never stopped."""

from hypothesis import strategies as st

from conformance.harness import for_every_case
from conformance.judgement import Disagreement, assert_accepted, expected
from conformance.model import Backend, Case, Operation


def has_state(operation: Operation, backend: Backend) -> str | None:
    """Operations with a state that can be saved."""
    return None if operation.state else "the operation keeps no state"


def resumed_cases(operation: Operation, dtype: str, backend: Backend) -> st.SearchStrategy[Case]:
    """The operation's cases, each resumed somewhere."""
    return operation.cases(dtype).filter(lambda case: case.options[operation.state] is not None)


@for_every_case(applies=has_state, cases=resumed_cases)
def test_state(operation: Operation, case: Case, backend: Backend) -> None:
    """The resumed run equals the uninterrupted one bit for bit, and is accepted."""
    assert operation.state is not None
    resumed = backend.run(operation, case)
    uninterrupted = backend.run(operation, case.but(**{operation.state: None}))
    for name, array in uninterrupted.items():
        if array.tobytes() != resumed[name].tobytes():
            where = f"saved and loaded before step {case.options[operation.state]}"
            raise Disagreement(f"{name} is not the same once the state was {where}", result=name)
    assert_accepted(resumed, expected(operation, case, backend, resumed))
