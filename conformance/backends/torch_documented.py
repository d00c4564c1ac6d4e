"""What the installed version of torch has under its public names, and what it documents of them."""

from __future__ import annotations

import inspect
from operator import attrgetter
from typing import Any, get_args

import numpy as np

from conformance.model import Case, Operation, torch

# Options that not every version documents: a case that uses one is not asked of an older version.
LATER = ("enable_gqa", "decoupled_weight_decay")


def named(name: str) -> Any:
    """What the installed torch has under a public name."""
    return attrgetter(name.removeprefix("torch."))(torch)


def exists(name: str) -> bool:
    """Whether the installed torch has a public name."""
    try:
        named(name)
    except AttributeError:
        return False
    return True


def _takes_a_tensor_as_rate(optimizer: Any) -> bool:
    """Whether the signature or the description of `lr` names tensors; Muon's says so in its description only."""
    described = optimizer.__doc__.partition("lr (")[2].partition(")")[0]
    return "Tensor" in f"{inspect.signature(optimizer).parameters['lr']} {described}"


def undocumented(operation: Operation, case: Case) -> str | None:
    """What the installed torch does not document, or takes where others refuse it, so that a case cannot be asked; or None."""
    options = case.options
    for option in LATER:
        if options.get(option) and option not in named(operation.name).__doc__:
            return f"the installed torch has no {option} in {operation.name}"
    if options.get("lr_form", "number") != "number" and not _takes_a_tensor_as_rate(named(operation.name)):
        return f"the rate of {operation.name} is no tensor in the installed torch"
    policy = dict(options.get("chunks") or ()).get("acc_policy")
    if policy and policy not in get_args(torch.nn.LinearCrossEntropyOptions.__annotations__["acc_policy"]):
        return f"the installed torch has no acc_policy {policy}"
    volumes = operation.id == "grid_sample" and options["mode"] == "bicubic" and np.ndim(case.arrays["input"]) == 5
    if volumes and "supports only 4-D" not in torch.nn.functional.grid_sample.__doc__:
        return "the installed torch samples volumes with bicubic"
    return None
