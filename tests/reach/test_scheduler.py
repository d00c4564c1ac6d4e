"""The strategies of schedulers reach what reported bugs needed: bugs e11 to e14 and the classes of input A12 to A14."""

import math

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase

from conformance import backends
from conformance.__main__ import properties
from conformance.grid import Grid, Pair
from conformance.judgement import Disagreement
from conformance.operations import all_operations

OPERATIONS = {operation.id: operation for operation in all_operations()}
PROPERTIES = {declared.name: declared for declared in properties().values()}
DRAWS = 2000


def drawn(name, wanted):
    """A case of an operation that is wanted; NoSuchExample if two thousand draws have none."""
    settings = hypothesis.settings(
        max_examples=DRAWS, database=None, derandomize=True, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    operation = OPERATIONS[name]
    return hypothesis.find(operation.cases("float64"), lambda case: wanted(**case.options), settings=settings)


def composite(child):
    return child[0] in ("SequentialLR", "ChainedScheduler")


REACHED = {
    "e11, A12: a sequence in a sequence": (
        "SequentialLR_Nested",
        lambda schedulers, **_: len(schedulers) == 1 and composite(schedulers[0]),
    ),
    "e12: a sequence begun again from last_epoch after a milestone": (
        "SequentialLR",
        lambda resume_by, resume_at, milestones, **_: resume_by == "last_epoch" and milestones and resume_at > milestones[0] > 0,
    ),
    "e13, A13: StepLR begun again from last_epoch at a multiple of step_size": (
        "StepLR",
        lambda resume_by, resume_at, step_size, **_: resume_by == "last_epoch" and step_size > 1 and resume_at % step_size == 0,
    ),
    "e13, A13: MultiStepLR begun again from last_epoch at a milestone": (
        "MultiStepLR",
        lambda resume_by, resume_at, milestones, **_: resume_by == "last_epoch" and resume_at in milestones,
    ),
    "e13: ExponentialLR begun again from last_epoch": ("ExponentialLR", lambda resume_by, **_: resume_by == "last_epoch"),
    "e14, A14: a constant negative metric, relative, without patience": (
        "ReduceLROnPlateau",
        lambda given, patience, threshold_mode, mode, threshold, **_: (
            len(given) > 3 and set(given) == {-1.0} and patience == 0 and threshold_mode == "rel" and mode == "min" and threshold == 1e-4
        ),
    ),
    "A12: one child": ("SequentialLR", lambda schedulers, **_: len(schedulers) == 1),
    "A12: a milestone at 0": ("SequentialLR", lambda milestones, **_: 0 in milestones),
    "A12: two equal milestones": ("SequentialLR", lambda milestones, **_: len(set(milestones)) < len(milestones)),
    "A12: a chain within a sequence": (
        "SequentialLR_Nested",
        lambda schedulers, **_: any(name == "ChainedScheduler" for name, _ in schedulers),
    ),
    "A12: a chain of schedulers with a closed form": (
        "ChainedScheduler",
        lambda schedulers, **_: {name for name, _ in schedulers} >= {"ConstantLR", "ExponentialLR"},
    ),
    "A13: saved and loaded exactly at a milestone": (
        "SequentialLR",
        lambda resume_by, resume_at, milestones, **_: resume_by == "state_dict" and resume_at in milestones,
    ),
    "A13: saved and loaded before the first step": ("SequentialLR", lambda resume_at, **_: resume_at == 0),
    "A14: a metric exactly at the threshold": (
        "ReduceLROnPlateau",
        lambda given, mode, threshold, threshold_mode, **_: (
            threshold in (0.25, 0.5)
            and mode == "min"
            and threshold_mode == "rel"
            and len(given) > 1
            and given[0] > 0
            and given[1] == given[0] * (1 - threshold)
        ),
    ),
    "A14: NaN after a good metric": (
        "ReduceLROnPlateau",
        lambda given, **_: len(given) > 1 and math.isnan(given[1]) and not math.isnan(given[0]),
    ),
    "A14: a constant positive metric": ("ReduceLROnPlateau", lambda given, **_: len(given) > 3 and set(given) == {1.0}),
    "a step told the epoch of the fifth restart": (
        "CosineAnnealingWarmRestarts",
        lambda given, T_0, T_mult, **_: given is not None and T_mult == 3 and 121 * T_0 in given,
    ),
}


@pytest.mark.parametrize("reported", REACHED)
def test_the_strategy_reaches_what_a_reported_bug_needs(reported):
    name, wanted = REACHED[reported]
    assert drawn(name, wanted)


LIVE = {
    "e11": ("SequentialLR_Nested", "196243"),
    "e12": ("SequentialLR", "162591"),
    "e13 (StepLR)": ("StepLR", "102261"),
    "e13 (MultiStepLR)": ("MultiStepLR", "102261"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("bug", LIVE)
@pytest.mark.parametrize("verb", ["forward", "state"])
def test_a_live_bug_stands_as_a_known_failure_whose_witness_fails(bug, verb):
    name, link = LIVE[bug]
    backend, operation = backends.form("cpu"), OPERATIONS[name]
    known = Grid((backend.name,)).entries(PROPERTIES[verb], Pair(operation, "float64", backend))
    entry = next(entry for entry in known if entry.link == f"https://github.com/pytorch/pytorch/issues/{link}")
    with pytest.raises(Disagreement):
        PROPERTIES[verb].check(operation, entry.witness_of(operation, "float64"), backend)
