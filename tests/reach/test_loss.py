"""The strategies of losses draw what reported bugs needed, and the properties see the bugs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import Phase, find, settings

from conformance import backends
from conformance.__main__ import properties
from conformance.harness import search
from conformance.model import Case
from conformance.operations import all_operations
from tests.miniatures import Altered, with_output

OPERATIONS = {operation.id: operation for operation in all_operations()}
PROPERTIES = {declared.name: declared for declared in properties().values()}


def spread_classes(case: Case) -> bool:
    """A target of −1 that is ignored beside one that is not."""
    target = case.arrays["target"]
    return case.options["ignore_index"] == -1 and bool(np.any(target == -1)) and bool(np.any(target >= 0))


CLASSES: dict[str, tuple[str, str, Callable[[Case], bool]]] = {
    "i4: a float32 weight with bfloat16 probabilities": (
        "BCELoss", "bfloat16", lambda case: case.arrays["weight"] is not None and case.arrays["weight"].dtype == np.float32,
    ),
    "i7: NaN beside finite numbers": (
        "SmoothL1Loss", "float32", lambda case: case.arrays["input"].size > 1 and np.isnan(case.arrays["input"]).sum() == 1,
    ),
    "beta 0": ("SmoothL1Loss", "float32", lambda case: case.options["beta"] == 0 and case.arrays["input"].size > 0),
    "A16: −1 is ignored": ("CrossEntropyLoss", "float32", spread_classes),
    "A16: the first class is ignored": (
        "NLLLoss", "float32", lambda case: case.options["ignore_index"] == 0 and bool(np.any(case.arrays["target"] == 0)),
    ),
    "A16: all targets are ignored": (
        "CrossEntropyLoss", "float32",
        lambda case: case.arrays["target"].size > 1 and bool(np.all(case.arrays["target"] == case.options["ignore_index"])),
    ),
    "A3: logits where exponentials overflow": (
        "BCEWithLogitsLoss", "float32", lambda case: bool(np.any(np.abs(case.arrays["input"]) > 88.8)),
    ),
    "A7: an empty batch": ("NLLLoss", "float32", lambda case: case.arrays["input"].shape[0] == 0),
    "probabilities of 0 and 1": (
        "BCELoss", "float32", lambda case: bool(np.any(case.arrays["input"] == 0) and np.any(case.arrays["input"] == 1)),
    ),
    "equal labels side by side in a sequence": (
        "CTCLoss", "float32",
        lambda case: case.arrays["targets"].ndim == 2 and case.arrays["targets"].shape[1] > 1
        and bool(np.any((case.arrays["targets"][:, 0] == case.arrays["targets"][:, 1]) & (case.arrays["target_lengths"] > 1))),
    ),
    "an input too short for its target": (
        "CTCLoss", "float32", lambda case: bool(np.any(case.arrays["input_lengths"] < case.arrays["target_lengths"])),
    ),
}  # fmt: skip


@pytest.mark.parametrize("reported", CLASSES)
def test_a_strategy_draws_what_a_reported_bug_needed(reported):
    name, dtype, described = CLASSES[reported]
    find(
        OPERATIONS[name].cases(dtype),
        described,
        settings=settings(max_examples=400, database=None, deadline=None, phases=[Phase.generate]),
    )


def beta_is_positive(call, **a):
    return call(**{**a, "beta": abs(a["beta"])})


def within_bounds(call, **a):
    return call(**{**a, "input": a["input"].clamp(0, 1), "target": a["target"].clamp(0, 1)})


def any_integers(call, **a):
    return call(**{**a, "target": a["target"].long() if a["target"].dtype == torch.int32 else a["target"]})


@pytest.mark.parametrize(
    ("operation", "lenient"),
    [("SmoothL1Loss", beta_is_positive), ("BCELoss", within_bounds), ("CrossEntropyLoss", any_integers)],
    ids=["i3", "i5", "i6"],
)
def test_what_compiled_losses_accept_is_seen(operation, lenient):
    backend = Altered(backends.form("cpu"), lambda call: lambda **a: lenient(call, **a))
    assert search(PROPERTIES["rejects"], OPERATIONS[operation], "float32", backend, examples=25, shrink=False).outcome == "failed"


def test_a_result_of_the_weights_type_is_seen():
    backend = Altered(backends.form("cpu"), with_output(lambda y: y.float()))
    assert search(PROPERTIES["forward"], OPERATIONS["BCELoss"], "bfloat16", backend, examples=25, shrink=False).outcome == "failed"
