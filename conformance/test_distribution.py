"""Random results follow the documented distribution."""

from conformance.harness import for_every_case
from conformance.judgement import Disagreement
from conformance.model import Backend, Case, Operation
from oracles.chance import binomial_range

FALSE_ALARMS = 1e-12  # the chance that one correct count is accused


def has_chances(operation: Operation, backend: Backend) -> str | None:
    """Random operations."""
    return None if operation.chances else "the operation draws no random numbers"


@for_every_case(applies=has_chances)
def test_distribution(operation: Operation, case: Case, backend: Backend) -> None:
    """Counts of events lie within the binomial range at the stated false-alarm rate."""
    assert operation.chances is not None
    observed = backend.run(operation, case)
    for event, (count, trials, probability) in operation.chances(observed=observed, **case.arrays, **case.options).items():
        least, most = binomial_range(trials, probability, FALSE_ALARMS)
        if not least <= count <= most:
            raise Disagreement(
                f"{event} {count} times in {trials}; at probability {probability} it must be {least} to {most} times "
                f"(a correct library leaves that range once in {1 / FALSE_ALARMS:.0e} counts)"
            )
