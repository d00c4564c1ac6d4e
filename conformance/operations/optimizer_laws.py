"""What holds for optimizers whatever their recurrence is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.judgement import Disagreement, Trial, expected
from conformance.model import Case, Law
from conformance.operations.laws import assert_same
from conformance.operations.optimizer import OWN


def along(case: Case, change: Callable[[np.ndarray], Any], steps: int | None = None) -> Case:
    """The case with other gradients, perhaps only the first of them."""
    return case.but(**{f"{name}_gradients": change(case.arrays[f"{name}_gradients"])[:steps] for name in OWN})  # type: ignore[arg-type]


def plain_integers(case: Case) -> Case | None:
    """One step along small integers from small integers, both parameters with a gradient of their own; None for other data."""
    if case.regime != "integers":
        return None
    case = case.but(missing=(), resume_at=None, skipped=None, numbers="real", gradients="plain")
    return along(case, lambda g: g, steps=1)


def downhill(trial: Trial, case: Case) -> None:
    """maximize along g is the same as minimize along −g, where both lie in memory alike: sums may depend on it."""
    case = case.but(gradients="plain") if case.options["gradients"] == "expanded" else case
    mine = dict(case.options["own"] or ())
    turned = tuple({**mine, "maximize": not mine["maximize"]}.items()) if "maximize" in mine else case.options["own"]
    other = trial.run(along(case.but(maximize=not case.options["maximize"], own=turned), lambda g: -g))
    for name, path in trial.run(case).items():
        if not name.endswith("_gradients"):
            assert_same(other[name], path, f"{name}: maximize along g is not minimize along −g")


def implementations_agree(trial: Trial, case: Case) -> None:
    """Single-tensor, foreach, fused and differentiable differ by rounding at most: their first steps lie in one ball."""
    if case.regime == "special" or case.dtype not in ("float32", "float64") or case.options["implementation"] == "single":
        return
    one = along(case.but(missing=(), resume_at=None, skipped=None), lambda g: g, steps=1)
    single = one.but(implementation="single")
    paths, wanted = trial.run(one), trial.run(single)
    expectation = expected(trial.operation, single, trial.backend, wanted if trial.operation.follows_subject else None)
    accepted, further = expectation.first, list(expectation.further())
    for name in OWN:
        storage, value = accepted[name].by.storage, accepted[name].value
        with np.errstate(invalid="ignore"):  # what any of the formulations may be off
            errors = [ways[name].error + np.abs(ways[name].value - value) for ways in (accepted, *further)]
        room = np.max(errors, axis=0) + 3 * (storage.unit * np.abs(value) + storage.tiny)
        with np.errstate(invalid="ignore"):
            away = np.abs(paths[name].astype(float) - wanted[name].astype(float))
        if np.any(away > 2 * room):
            raise Disagreement(f"after one step {name} differs between single-tensor and {case.options['implementation']}", result=name)


def decay_is_a_penalty(trial: Trial, case: Case) -> None:
    """weight_decay λ is the gradient of λ/2·|θ|², added by hand: exact on integers with λ = ½."""
    if (case := plain_integers(case)) is None or case.dtype not in ("float32", "float64"):
        return
    case = case.but(maximize=False, own=None, **({"decoupled_weight_decay": False} if "decoupled_weight_decay" in case.options else {}))
    penalised = {f"{name}_gradients": case.arrays[f"{name}_gradients"] + case.arrays[name] / 2 for name in OWN}  # type: ignore[operator]
    one, other = trial.run(case.but(weight_decay=0.5)), trial.run(case.but(weight_decay=0.0, **penalised))
    for name in one:
        if not name.endswith("_gradients"):
            assert_same(one[name], other[name], f"{name}: weight_decay is not the gradient of its penalty")


def decoupled_decay_is_none(trial: Trial, case: Case) -> None:
    """Decoupled decay leaves the moments as they are without it, and takes lr·λ·θ from the parameter: exact for lr = λ = ½."""
    if (case := plain_integers(case)) is None or case.dtype not in ("float32", "float64"):
        return
    case = case.but(own=None, lr=0.5, **({"decoupled_weight_decay": True} if "decoupled_weight_decay" in case.options else {}))
    decayed, plain = trial.run(case.but(weight_decay=0.5)), trial.run(case.but(weight_decay=0.0))
    for name in plain:
        if name not in OWN:
            assert_same(decayed[name], plain[name], f"{name}: decoupled decay is in it")
    three_quarters = {name: np.multiply(case.arrays[name], 0.75, dtype=case.dtype) for name in OWN}  # type: ignore[arg-type]
    shrunk = trial.run(case.but(weight_decay=0.0, **three_quarters))
    for name in OWN:
        assert_same(decayed[name], shrunk[name], f"{name}: decoupled decay is not a smaller parameter before the step")


MAXIMIZES = Law("maximize along g is minimize along −g", downhill)
AGREES = Law("implementations differ by rounding", implementations_agree)
PENALTY = Law("weight_decay is the gradient of its penalty", decay_is_a_penalty)
DECOUPLED = Law("decoupled decay is no part of the gradient", decoupled_decay_is_none)
COUPLED = (MAXIMIZES, AGREES, PENALTY)
