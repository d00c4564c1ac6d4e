"""Instance normalisation of any rank."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.model import FLOATS, Case, Operation, torch
from conformance.operations.normalization import batch_by_batch, cost, history, layer, statistics
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
from oracles.normalization import instance_norm, instance_norm_gradient
from oracles.windows import of_rank

# The calls.


def instance_by_instance(kind: Any, x: Any, axis: int, weight: Any, bias: Any, running_mean: Any, running_var: Any, options: Any) -> Any:
    """As of batch normalisation; how many batches there were is not documented to be counted."""
    results = batch_by_batch(kind, x, axis, weight, bias, running_mean, running_var, options)
    return {name: result for name, result in results.items() if name != "num_batches_tracked"}


def instance_norm1d(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
    return instance_by_instance(torch.nn.InstanceNorm1d, x, x.ndim - 2, weight, bias, running_mean, running_var, options)


def instance_norm2d(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
    return instance_by_instance(torch.nn.InstanceNorm2d, x, x.ndim - 3, weight, bias, running_mean, running_var, options)


def instance_norm3d(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
    return instance_by_instance(torch.nn.InstanceNorm3d, x, x.ndim - 4, weight, bias, running_mean, running_var, options)


# The formulas.


def shape(x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, batches: int, **options: Any) -> dict[str, Any]:
    """The output is as the input."""
    paths = {} if running_mean is None else {"running_mean": (batches, *running_mean), "running_var": (batches, *running_var)}
    return {"output": x, **paths}


# The cases.


def instance_norm_cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies by dtype: batched or not, affine or not, tracked or not, in training and evaluation."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, training, tracked = draw(data_of(dtype)), draw(OFTEN), draw(st.booleans())
        past, batched = history(draw, tracked), draw(st.sampled_from((True, True, False)))
        n, channels, *sides = images(draw, rank)
        if (training or not tracked) and math.prod(sides) == 1:
            sides[-1] = 2
        if not batched:
            past = {"batches": 1, "resume_at": past["resume_at"] and 0}
        arrays = {
            "x": lifted(data, "x", *((past["batches"] * n,) if batched else ()), channels, *sides),
            **affine(draw, data, channels),
            **statistics(draw, data, channels, tracked),
        }
        return data.case(arrays, eps=draw(EPS), momentum=draw(st.sampled_from((0.1, 0.0, 1.0, 0.5))), training=training, **past)

    return drawn


# What must be refused.


def one_value(rank: int) -> Callable[[Case], Case | None]:
    """Images of one number for each channel."""

    def smaller(case: Case) -> Case | None:
        x = array(case)
        return case.but(x=x[(..., *[slice(1)] * rank)], training=True) if x.size else None

    return smaller


def axes_too_few(rank: int) -> Callable[[Case], Case]:
    """An image with one side less; without channels, where it has no batch axis."""

    def fewer(case: Case) -> Case:
        x = array(case)
        return case.but(x=x.reshape(*x.shape[: rank - 1], math.prod(x.shape[rank - 1 :])), batches=1, resume_at=None)

    return fewer


def axes_too_many(rank: int) -> Callable[[Case], Case]:
    """An image with one side more than a batch has."""
    return lambda case: case.but(x=array(case)[(..., *[None] * (rank + 3 - array(case).ndim))])


# The laws.


def channels(rank: int) -> Callable[[Case, np.ndarray], np.ndarray]:
    """The numbers of each channel in each image."""
    return lambda case, a: a.reshape(math.prod(a.shape[:-rank]), math.prod(a.shape[-rank:]))


def instance_normalization(rank: int, call: Callable[..., Any]) -> Operation:
    """Instance normalisation of images of a rank."""
    name, rows = f"InstanceNorm{rank}d", channels(rank)

    def batched(case: Case) -> bool:
        return array(case).ndim == rank + 2

    return Operation(
        name=f"torch.nn.{name}",
        call=call,
        oracle=of_rank(instance_norm, rank),
        gradient=of_rank(instance_norm_gradient, rank),
        cases=instance_norm_cases(rank),
        shape=shape,
        cost=cost,
        module=lambda x, weight, bias, running_mean, running_var, batches, resume_at, **options: layer(
            getattr(torch.nn, name), x, x.ndim - rank - 1, weight, bias, running_mean, **options
        ),
        follows_subject=True,
        state="resume_at",
        constants=("running_mean", "running_var"),
        rejects={
            "there must be more than one value per channel in training": one_value(rank),
            "x must have channels and all sides": axes_too_few(rank),
            "x must have no further axes": axes_too_many(rank),
            "x must have as many channels as the running statistics": twice_as_long("running_mean", "running_var"),
            "x must have as many channels as the weight": twice_as_long("weight", "bias"),
        },
        laws=(has_moments(rows), ignores_shift(rows), ignores_scale(rows), ignores_batch(batched), KEEPS),
        dtypes=FLOATS,
    )


InstanceNorm1d = instance_normalization(1, instance_norm1d)
InstanceNorm2d = instance_normalization(2, instance_norm2d)
InstanceNorm3d = instance_normalization(3, instance_norm3d)

OPERATIONS = (InstanceNorm1d, InstanceNorm2d, InstanceNorm3d)
