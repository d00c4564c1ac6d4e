"""An older torch, or a newer one, is not asked for what it does not document; what is not asked hides nothing else."""

import numpy as np
import pytest
import torch

from conformance.backends import form, torch_documented
from conformance.harness import search
from conformance.model import Case, NotAsked
from conformance.operations.optimizer import walk
from tests.miniatures import Altered
from tests.test_properties import OPERATIONS, PROPERTIES

CPU = form("cpu")
PLAIN = {
    "own": None,
    "implementation": "default",
    "missing": (),
    "skipped": None,
    "resume_at": None,
    "numbers": "real",
    "gradients": "plain",
}
SGD = {"lr": 0.5, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False}
ADAM = {"lr": 0.5, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "maximize": False, "amsgrad": False}


def steps(**options):
    """One step of two parameters."""
    arrays = {name: np.ones(2, np.float32) for name in ("first", "second")}
    along = {f"{name}_gradients": np.ones((1, 2), np.float32) for name in ("first", "second")}
    return Case({**arrays, **along}, {**PLAIN, "lr_form": "number", **options}, "float32")


class Earlier:
    """Takes a number as its rate, and decays in one way only."""

    def __init__(self, params, lr: float = 1e-3): ...


@pytest.mark.parametrize(
    ("name", "case", "sentence"),
    [
        ("SGD", steps(**SGD, lr_form="vector"), "the rate of torch.optim.SGD is no tensor in the installed torch"),
        ("Adam", steps(**ADAM, decoupled_weight_decay=True), "the installed torch has no decoupled_weight_decay in torch.optim.Adam"),
    ],
)
def test_an_optimizer_is_not_asked_for_what_it_had_not_yet(monkeypatch, name, case, sentence):
    operation = OPERATIONS[name]
    CPU.run(operation, case)
    monkeypatch.setattr(torch_documented, "named", lambda _: Earlier)
    with pytest.raises(NotAsked, match=f"^{sentence}$"):
        CPU.run(operation, case)
    without = {"decoupled_weight_decay": False} if name == "Adam" else {}
    CPU.run(operation, case.but(lr_form="number", **without))


def test_volumes_are_sampled_with_bicubic_where_that_is_documented(monkeypatch):
    arrays = {"input": np.ones((1, 1, 1, 1, 1), np.float32), "grid": np.zeros((1, 1, 1, 1, 3), np.float32)}
    case = Case(arrays, {"mode": "bicubic", "padding_mode": "zeros", "align_corners": False}, "float32")
    documented = {"refused": "supports only 4-D input", "taken": "is tricubic on a 5-D input"}
    for answer, text in documented.items():
        monkeypatch.setattr(torch.nn.functional.grid_sample, "__doc__", text)
        assert (torch_documented.undocumented(OPERATIONS["grid_sample"], case) is None) == (answer == "refused")


def test_a_policy_that_is_gone_is_not_asked(monkeypatch):
    options = {"chunks": (("acc_policy", "balanced"),)}
    case = Case({}, options, "float32")
    for policies, reason in ((("auto", "balanced"), None), (("auto",), "the installed torch has no acc_policy balanced")):
        monkeypatch.setattr(torch_documented, "get_args", lambda _, policies=policies: policies)
        assert torch_documented.undocumented(OPERATIONS["LinearCrossEntropyLoss_Chunked"], case) == reason


def test_a_constraint_that_cannot_be_asked_hides_no_other():
    def alter(call):
        def altered(**arguments):
            if arguments["lr"] < 0:
                raise NotAsked("a rate below 0 is unknown here")
            try:
                return call(**arguments)
            except ValueError:  # what must be refused is accepted
                return {"first": arguments["first"]}

        return altered

    verdict = search(PROPERTIES["rejects"], OPERATIONS["Adagrad"], "float32", Altered(CPU, alter), examples=5, shrink=False)
    assert verdict.outcome == "failed"
    assert "accepted a call that it must refuse" in verdict.message


def test_a_step_that_raises_leaves_determinism_as_it_was(monkeypatch):
    def broken(*_):
        raise RuntimeError("no step")

    monkeypatch.setattr(torch.amp.GradScaler, "step", broken)
    case = steps(**SGD).but(implementation="fused", skipped=())
    with pytest.raises(RuntimeError, match="no step"):
        walk("SGD", **CPU.tensors(OPERATIONS["SGD"], case), **case.options)
    assert not torch.are_deterministic_algorithms_enabled()
