"""Batch normalisation of any rank."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.operations.normalized import (
    EPS,
    KEEPS,
    OFTEN,
    affine,
    array,
    has_moments,
    ignores_batch,
    ignores_scale,
    ignores_shift,
    images,
    lifted,
    twice_as_long,
)
from conformance.strategies import data_of
from oracles.normalization import batch_norm, batch_norm_gradient

# The calls.


def layer(kind: Any, x: Any, axis: int, weight: Any, bias: Any, running_mean: Any, eps: Any, momentum: Any, training: Any) -> Any:
    """The module that takes these arrays, the channels of x along an axis."""
    sized = [len(given) for given in (running_mean, weight) if given is not None]
    features = sized[0] if sized else x.shape[min(max(axis, 0), x.ndim - 1)]
    options = {"eps": eps, "momentum": momentum, "affine": weight is not None, "track_running_stats": running_mean is not None}
    if weight is not None and bias is None and kind.__init__.__kwdefaults__:  # earlier ones have no such parameter
        options["bias"] = False
    module = kind(features, **options, device=x.device, dtype=x.dtype).train(training)
    if bias is None:
        module.register_parameter("bias", None)
    return module


def batch_by_batch(kind: Any, x: Any, axis: int, weight: Any, bias: Any, running_mean: Any, running_var: Any, options: Any) -> Any:
    """The module's forward on one batch after the other, saved and loaded midway, and its running statistics after each."""
    batches, resume_at = options.pop("batches"), options.pop("resume_at")
    module = layer(kind, x, axis, weight, bias, running_mean, **options)
    parameters = {name: given for name, given in (("weight", weight), ("bias", bias)) if given is not None}
    if running_mean is not None:
        module.running_mean.copy_(running_mean.detach())
        module.running_var.copy_(running_var.detach())
        if x.is_meta:  # a count is a plain number, which must be known even where nothing is computed
            module.num_batches_tracked = torch.zeros((), dtype=torch.int64, device="cpu")
    outputs, seen = [], {}
    for number, batch in enumerate(torch.chunk(x, batches) if len(x) else [x] * batches):
        if number == resume_at and not x.is_meta:
            saved, module = module.state_dict(), layer(kind, x, axis, weight, bias, running_mean, **options)
            module.load_state_dict(saved)
        outputs.append(torch.func.functional_call(module, parameters, (batch,)))
        for name, statistic in module.named_buffers():
            seen.setdefault(name, []).append(statistic.detach().clone())
    output = torch.cat(outputs) if len(x) else outputs[0]
    return {"output": output, **{name: torch.stack(path) for name, path in seen.items()}}


def batch_norm1d(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
    return batch_by_batch(torch.nn.BatchNorm1d, x, 1, weight, bias, running_mean, running_var, options)


def batch_norm2d(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
    return batch_by_batch(torch.nn.BatchNorm2d, x, 1, weight, bias, running_mean, running_var, options)


def batch_norm3d(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
    return batch_by_batch(torch.nn.BatchNorm3d, x, 1, weight, bias, running_mean, running_var, options)


# The formulas.


def shape(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, batches: int, **options: Any) -> dict[str, Any]:
    """The output is as the input."""
    paths = {} if running_mean is None else {"running_mean": (batches, *running_mean), "running_var": (batches, *running_var)}
    return {"output": x, **paths, **({"num_batches_tracked": (batches,)} if paths else {})}


def cost(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Cost:
    """A factor and a shift for every channel; no products of matrices."""
    return Cost(sum(math.prod(given) for given in (weight, bias) if given is not None), 0)


# The cases.


def statistics(draw: st.DrawFn, data: Any, channels: int, tracked: bool) -> dict[str, np.ndarray | None]:
    """Running statistics; a variance is not negative."""
    return {
        "running_mean": data.array("running_mean", channels) if tracked else None,
        "running_var": np.abs(data.array("running_var", channels)) if tracked else None,
    }


def history(draw: st.DrawFn, tracked: bool) -> dict[str, Any]:
    """One to three batches, and before which of them the statistics are saved and loaded."""
    batches = draw(st.integers(1, 3))
    resumed = tracked and draw(st.booleans())
    return {"batches": batches, "resume_at": draw(st.integers(0, batches - 1)) if resumed else None}


def batch_norm_cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies by dtype: affine or not, tracked or not, in training and evaluation."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, training, tracked = draw(data_of(dtype)), draw(OFTEN), draw(OFTEN)
        past = history(draw, tracked)
        n, channels, *sides = images(draw, rank)
        if rank == 1 and draw(st.booleans()):
            sides = []
        if (training or not tracked) and n * math.prod(sides) == 1:
            n = 2
        arrays = {
            "x": lifted(data, "x", past["batches"] * n, channels, *sides),
            **affine(draw, data, channels),
            **statistics(draw, data, channels, tracked),
        }
        momentum = draw(st.sampled_from((0.1, None, 0.0, 1.0, 0.5)))
        return data.case(arrays, eps=draw(EPS), momentum=momentum, training=training, **past)

    return drawn


# What must be refused.


def one_value(case: Case) -> Case | None:
    """A batch of one number for each channel."""
    x = array(case)
    return case.but(x=x[(slice(1), slice(None), *[slice(1)] * (x.ndim - 2))], batches=1, resume_at=None, training=True) if x.size else None


def axes_too_few(rank: int) -> Callable[[Case], Case]:
    """An image with one side less; of rank 1 a vector."""

    def fewer(case: Case) -> Case:
        x, kept = array(case), rank if rank > 1 else 0
        return case.but(x=x.reshape(*x.shape[:kept], math.prod(x.shape[kept:])), batches=1, resume_at=None)

    return fewer


def axes_too_many(rank: int) -> Callable[[Case], Case]:
    """An image with one side more."""
    return lambda case: case.but(x=array(case)[(..., *[None] * (rank + 3 - array(case).ndim))])


# The laws.


def channels(case: Case, a: np.ndarray) -> np.ndarray:
    """The numbers of each channel in each batch."""
    batches = case.options["batches"]
    images = a.reshape(batches, len(a) // batches, *a.shape[1:])
    return np.moveaxis(images, 2, 1).reshape(batches * a.shape[1], -1)


def evaluated(law: Law) -> Law:
    """The law in evaluation with running statistics, of batches that were joined to one."""

    def check(trial: Trial, case: Case) -> None:
        if case.arrays["running_mean"] is not None:
            law.check(trial, case.but(training=False, batches=1, resume_at=None))

    return Law(f"in evaluation, {law.name}", check)


def batch_normalization(rank: int, call: Callable[..., Any]) -> Operation:
    """Batch normalisation of images of a rank."""
    name = f"BatchNorm{rank}d"
    return Operation(
        name=f"torch.nn.{name}",
        call=call,
        oracle=batch_norm,
        gradient=batch_norm_gradient,
        cases=batch_norm_cases(rank),
        shape=shape,
        cost=cost,
        module=lambda x, weight, bias, running_mean, running_var, batches, resume_at, **options: layer(
            getattr(torch.nn, name), x, 1, weight, bias, running_mean, **options
        ),
        follows_subject=True,
        state="resume_at",
        constants=("running_mean", "running_var"),
        result_dtypes={"num_batches_tracked": "int64"},
        rejects={
            "there must be more than one value per channel in training": one_value,
            "x must have a batch, channels and all sides": axes_too_few(rank),
            "x must have no further axes": axes_too_many(rank),
            "x must have as many channels as the running statistics": twice_as_long("running_mean", "running_var"),
            "x must have as many channels as the weight": twice_as_long("weight", "bias"),
        },
        laws=(
            has_moments(channels),
            ignores_shift(channels),
            ignores_scale(channels),
            evaluated(ignores_batch(lambda case: True)),
            KEEPS,
        ),
        dtypes=FLOATS,
    )


BatchNorm1d = batch_normalization(1, batch_norm1d)
BatchNorm2d = batch_normalization(2, batch_norm2d)
BatchNorm3d = batch_normalization(3, batch_norm3d)

OPERATIONS = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
