"""Normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.operations.laws import assert_same
from conformance.strategies import FINITE_REGIMES, data_of, side
from oracles.normalization import batch_norm, batch_norm_gradient


def layer(x: Any, weight: Any, running_mean: Any, eps: Any, momentum: Any, training: Any, **others: Any) -> Any:
    """The module that takes these arrays."""
    tracked = running_mean is not None
    kind = torch.nn.BatchNorm2d(x.shape[2], eps=eps, momentum=momentum, affine=weight is not None, track_running_stats=tracked)
    return kind.to(device=x.device, dtype=x.dtype).train(training)


def call(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
    """The module's forward on one batch after the other, and its running statistics after each."""
    module = layer(x, weight, running_mean, **options)
    parameters = {} if weight is None else {"weight": weight, "bias": bias}
    if running_mean is not None:
        module.running_mean.copy_(running_mean.detach())
        module.running_var.copy_(running_var.detach())
    outputs, seen = [], {}
    for batch in x:
        outputs.append(torch.func.functional_call(module, parameters, (batch,)))
        for name, statistic in module.named_buffers():
            seen.setdefault(name, []).append(statistic.detach().clone())
    return {"output": torch.stack(outputs), **{name: torch.stack(path) for name, path in seen.items()}}


def shape(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> dict[str, Any]:
    """The output is as the input."""
    tracked = {} if running_mean is None else {"running_mean": x[:1] + x[2:3], "running_var": x[:1] + x[2:3], "num_batches_tracked": x[:1]}
    return {"output": x, **tracked}


def cost(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Cost:
    """A factor and a shift for every channel; no products of matrices."""
    return Cost(0 if weight is None else 2 * x[2], 0)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """One to three batches, affine or not, tracked or not, in training and evaluation."""
    data = draw(data_of(dtype, FINITE_REGIMES))
    channels = draw(st.integers(1, 4))
    sides = draw(st.integers(1, 4)), channels, draw(st.integers(1, 4)), draw(side(1, 5))
    training, affine, tracked = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    by_batch = training or not tracked
    if by_batch and sides[0] * sides[2] * sides[3] == 1:
        sides = 2, *sides[1:]
    arrays = {
        "x": data.array("x", draw(st.integers(1, 3)), *sides),
        "weight": data.array("weight", channels) if affine else None,
        "bias": data.array("bias", channels) if affine else None,
        "running_mean": data.array("running_mean", channels) if tracked else None,
        "running_var": np.abs(data.array("running_var", channels)) if tracked else None,
    }
    options = {"eps": draw(st.sampled_from((1e-5, 1e-3, 0.5, 1.0))), "momentum": draw(st.sampled_from((0.1, None, 0.0, 1.0, 0.5)))}
    return data.case(arrays, **options, training=training)


def array(case: Case, name: str) -> np.ndarray:
    """An array that the case has."""
    found = case.arrays[name]
    assert found is not None
    return found


def normalised(trial: Trial, case: Case) -> None:
    """In training, without weight and bias, each channel has mean 0 and variance v/(v + eps) within the derived errors."""
    case = case.but(weight=None, bias=None, running_mean=None, running_var=None, training=True)
    accepted, y = trial.expected(case)["output"], trial.run(case)["output"].astype(float)
    axes, x = (1, 3, 4), array(case, "x").astype(float)
    room = np.mean(accepted.error + accepted.by.storage.unit * np.abs(y) + accepted.by.storage.tiny, axis=axes) + 2.0**-48
    if np.any(np.abs(np.mean(y, axis=axes)) > room):
        raise Disagreement("a normalised channel does not have the mean 0", result="output")
    variance = np.var(x, axis=axes)
    widest = np.max(accepted.error + accepted.by.storage.unit * np.abs(y) + accepted.by.storage.tiny, axis=axes) + 2.0**-40
    off = np.abs(np.sqrt(np.mean(np.square(y), axis=axes)) - np.sqrt(variance / (variance + case.options["eps"])))
    if np.any(off > widest):
        raise Disagreement("a normalised channel does not have the variance v/(v + eps)", result="output")


def batch_does_not_matter(trial: Trial, case: Case) -> None:
    """In evaluation each image is normalised as if it were alone, up to rounding."""
    if case.arrays["running_mean"] is None:
        return
    case = case.but(training=False)
    x, accepted = array(case, "x"), trial.expected(case)["output"]
    alone = trial.run(case.but(x=np.ascontiguousarray(x[:, :1])))["output"].astype(float)
    together = trial.run(case)["output"].astype(float)[:, :1]
    room = 2 * (accepted.error + accepted.by.storage.unit * np.abs(accepted.value) + accepted.by.storage.tiny)[:, :1]
    if np.any(np.abs(alone - together) > 2 * room):
        raise Disagreement("an image in a batch is not normalised as it is alone", result="output")


def evaluation_keeps(trial: Trial, case: Case) -> None:
    """Evaluation leaves the running statistics as they are."""
    if case.arrays["running_mean"] is not None:
        results = trial.run(case.but(training=False))
        for name in ("running_mean", "running_var"):
            assert_same(results[name][-1], array(case, name), f"evaluation changes {name}")


def one_value(case: Case) -> Case:
    """A batch of one number for each channel."""
    return case.but(x=array(case, "x")[:, :1, :, :1, :1], training=True)


BatchNorm2d = Operation(
    name="torch.nn.BatchNorm2d",
    call=call,
    oracle=batch_norm,
    gradient=batch_norm_gradient,
    cases=cases,
    shape=shape,
    cost=cost,
    module=lambda x, weight, bias, running_mean, running_var, **options: layer(x, weight, running_mean, **options),
    follows_subject=True,
    abstract=False,  # with momentum None the number of batches must be known
    result_dtypes={"num_batches_tracked": "int64"},
    rejects={
        "there must be more than one value per channel in training": one_value,
        "x must have four axes: not three": lambda case: case.but(x=array(case, "x")[..., 0]),
        "x must have four axes: not five": lambda case: case.but(x=array(case, "x")[..., None]),
        "x must have as many channels as the running statistics": lambda case: (
            None if case.arrays["running_mean"] is None else case.but(running_mean=np.repeat(array(case, "running_mean"), 2))
        ),
    },
    laws=(
        Law("a channel has mean 0 and variance v/(v + eps)", normalised),
        Law("in evaluation the batch does not matter", batch_does_not_matter),
        Law("evaluation keeps the running statistics", evaluation_keeps),
    ),
    dtypes=FLOATS,
)

OPERATIONS = (BatchNorm2d,)
