"""Layer, group and root-mean-square normalisation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.operations.instance_normalization import InstanceNorm1d
from conformance.operations.normalized import (
    BATCH,
    EPS,
    SIDE,
    SIZES,
    WIDE,
    affine,
    array,
    assert_agree_with,
    has_moments,
    ignores_batch,
    ignores_scale,
    ignores_shift,
    images,
    lifted,
    plain,
    several,
    twice_as_long,
)
from conformance.strategies import data_of
from oracles import layer_normalization

# The calls.


def layer_of(kind: Any, x: Any, parameters: Any, *sizes: Any, **options: Any) -> Any:
    """The module with these parameters in place of its own."""
    module = kind(*sizes, **options, device=x.device, dtype=x.dtype)
    for name, given in parameters.items():
        if given is None:
            module.register_parameter(name, None)
    return module


def called(module: Any, x: Any, parameters: Any) -> Any:
    """The module's forward with the given parameters."""
    given = {name: parameter for name, parameter in parameters.items() if parameter is not None}
    return torch.func.functional_call(module, given, (x,))


def layer_norm_module(x: Any, weight: Any, bias: Any, normalized_shape: Any, eps: Any) -> Any:
    options = {"eps": eps, "elementwise_affine": weight is not None, "bias": bias is not None}
    return layer_of(torch.nn.LayerNorm, x, {"weight": weight, "bias": bias}, normalized_shape, **options)


def layer_norm(x: Any, weight: Any, bias: Any, **options: Any) -> Any:
    return called(layer_norm_module(x, weight, bias, **options), x, {"weight": weight, "bias": bias})


def group_norm_module(x: Any, weight: Any, bias: Any, num_groups: Any, eps: Any) -> Any:
    channels = len(weight) if weight is not None else x.shape[min(1, x.ndim - 1)]
    options = {"eps": eps, "affine": weight is not None}
    if weight is not None and bias is None and torch.nn.GroupNorm.__init__.__kwdefaults__:  # earlier ones have no such parameter
        options["bias"] = False
    return layer_of(torch.nn.GroupNorm, x, {"weight": weight, "bias": bias}, num_groups, channels, **options)


def group_norm(x: Any, weight: Any, bias: Any, **options: Any) -> Any:
    return called(group_norm_module(x, weight, bias, **options), x, {"weight": weight, "bias": bias})


def rms_norm_module(x: Any, weight: Any, normalized_shape: Any, eps: Any) -> Any:
    return layer_of(torch.nn.RMSNorm, x, {"weight": weight}, normalized_shape, eps=eps, elementwise_affine=weight is not None)


def rms_norm(x: Any, weight: Any, **options: Any) -> Any:
    return called(rms_norm_module(x, weight, **options), x, {"weight": weight})


# The formulas.


def shape(x: Any, **others: Any) -> dict[str, Any]:
    """The output is as the input."""
    return {"output": x}


def cost(x: Any, weight: Any, bias: Any = None, **options: Any) -> Cost:
    """A factor and a shift for every element or channel; no products of matrices."""
    return Cost(sum(math.prod(given) for given in (weight, bias) if given is not None), 0)


# The cases.

LEADING = st.lists(BATCH, max_size=3)


def written(draw: st.DrawFn, sides: list[int]) -> Any:
    """A shape as it may be given: a tuple; of one side also the number."""
    return sides[0] if len(sides) == 1 and draw(st.booleans()) else tuple(sides)


def shaped(draw: st.DrawFn, dtype: str) -> tuple[Any, dict[str, Any], list[int]]:
    """Data, x and the sides that are normalised: small ones, now and then wide or empty."""
    data, leading, sides, size = draw(data_of(dtype)), draw(LEADING), draw(st.lists(SIDE, min_size=1, max_size=3)), draw(SIZES)
    if size == "wide":
        sides[-1] = draw(WIDE)
    if size == "empty":
        some = draw(st.sampled_from((sides, leading or sides)))
        some[draw(st.integers(0, len(some) - 1))] = 0
    return data, {"x": lifted(data, "x", *leading, *sides)}, sides


@st.composite
def layer_norm_cases(draw: st.DrawFn, dtype: str) -> Case:
    """None to three leading axes, one to three that are normalised, weights or not."""
    data, arrays, sides = shaped(draw, dtype)
    return data.case({**arrays, **affine(draw, data, *sides)}, normalized_shape=written(draw, sides), eps=draw(EPS))


@st.composite
def rms_norm_cases(draw: st.DrawFn, dtype: str) -> Case:
    """The same without a bias; eps may be left to the library."""
    data, arrays, sides = shaped(draw, dtype)
    weight = data.array("weight", *sides) if draw(st.booleans()) else None
    return data.case({**arrays, "weight": weight}, normalized_shape=written(draw, sides), eps=draw(st.one_of(st.none(), EPS)))


@st.composite
def group_norm_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Images of rank 0 to 3; one, some or as many groups as channels."""
    data = draw(data_of(dtype))
    n, channels, *sides = images(draw, draw(st.integers(0, 3)))
    num_groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    if n * channels // num_groups * math.prod(sides) == 1:
        n = 2
    x = lifted(data, "x", n, channels, *sides)
    return data.case({"x": x, **affine(draw, data, channels)}, num_groups=num_groups, eps=draw(EPS))


# What must be refused.


def last_side_cut(case: Case) -> Case | None:
    """An input that does not end in normalized_shape."""
    x = array(case)
    return case.but(x=np.concatenate([x, x[..., :1]], axis=-1)) if x.shape[-1] else None


def fewer_axes(case: Case) -> Case | None:
    """An input of fewer axes than normalized_shape has."""
    size = case.options["normalized_shape"]
    return case.but(x=array(case).reshape(-1)[:1].reshape(())) if array(case).size and isinstance(size, tuple) else None


def nothing_normalised(case: Case) -> Case:
    """An empty normalized_shape."""
    return case.but(**{name: None for name in case.arrays if name != "x"}, normalized_shape=())


def indivisible(case: Case) -> Case:
    """One group more than there are channels."""
    return case.but(num_groups=array(case).shape[1] + 1)


def one_value(case: Case) -> Case | None:
    """One image of one number for each group."""
    x = array(case)
    return case.but(x=x[(slice(1), slice(None), *[slice(1)] * (x.ndim - 2))], num_groups=x.shape[1]) if x.size else None


# The laws.


def elements(case: Case, a: np.ndarray) -> np.ndarray:
    """The numbers that share a normalized_shape."""
    sides = case.options["normalized_shape"]
    count = sides if isinstance(sides, int) else math.prod(sides)
    return a.reshape(a.size // count, count)


def groups(case: Case, a: np.ndarray) -> np.ndarray:
    """The numbers of each group of channels in each image."""
    count = len(a) * case.options["num_groups"]
    return a.reshape(count, a.size // count)


def has_batch(case: Case) -> bool:
    """Whether there is an axis before those of normalized_shape."""
    sides = case.options["normalized_shape"]
    return array(case).ndim > (1 if isinstance(sides, int) else len(sides))


def one_group_is_a_layer(trial: Trial, case: Case) -> None:
    """With one group, layer normalisation over all axes but the first."""
    if several(groups, case) and case.regime != "special":
        case = plain(case).but(num_groups=1)
        x = array(case)
        other = Case({"x": x, "weight": None, "bias": None}, {"normalized_shape": x.shape[1:], "eps": case.options["eps"]}, case.dtype)
        assert_agree_with(trial, case, LayerNorm, other, "one group is not normalised as a layer")


def single_channels_are_instances(trial: Trial, case: Case) -> None:
    """With as many groups as channels, instance normalisation of the sides in one row."""
    x = array(case)
    if math.prod(x.shape[2:]) > 1 and x.size and case.regime != "special":
        case = plain(case).but(num_groups=x.shape[1])
        arrays = dict.fromkeys(("weight", "bias", "running_mean", "running_var"))
        options = {"eps": case.options["eps"], "momentum": 0.1, "training": True, "batches": 1, "resume_at": None}
        other = Case({"x": x.reshape(*x.shape[:2], -1), **arrays}, options, case.dtype)
        assert_agree_with(trial, case, InstanceNorm1d, other, "groups of one channel are not normalised as instances")


def normalization_of(name: str, call: Callable[..., Any], module: Callable[..., Any], cases: Any, **more: Any) -> Operation:
    """One of the three, with the oracles of the call's name."""
    return Operation(
        name=f"torch.nn.{name}",
        call=call,
        oracle=getattr(layer_normalization, call.__name__),
        gradient=getattr(layer_normalization, f"{call.__name__}_gradient"),
        cases=cases,
        shape=shape,
        cost=cost,
        module=module,
        dtypes=FLOATS,
        **more,
    )


ENDS = {
    "x must end in normalized_shape": last_side_cut,
    "x must have the axes of normalized_shape": fewer_axes,
    "normalized_shape must not be empty": nothing_normalised,
    "the weight must have the normalized_shape": twice_as_long("weight"),
}

LayerNorm = normalization_of(
    "LayerNorm",
    layer_norm,
    layer_norm_module,
    layer_norm_cases,
    rejects=ENDS,
    laws=(has_moments(elements), ignores_shift(elements), ignores_scale(elements), ignores_batch(has_batch)),
)
GroupNorm = normalization_of(
    "GroupNorm",
    group_norm,
    group_norm_module,
    group_norm_cases,
    rejects={
        "num_groups must divide the channels": indivisible,
        "num_groups must be positive": lambda case: case.but(num_groups=-1),
        "x must have channels": lambda case: case.but(x=array(case).reshape(-1)),
        "x must have as many channels as the weight": twice_as_long("weight", "bias"),
        "there must be more than one value": one_value,
    },
    laws=(
        has_moments(groups),
        ignores_shift(groups),
        ignores_scale(groups),
        ignores_batch(lambda case: several(groups, case)),
        Law("one group is a layer", one_group_is_a_layer),
        Law("groups of one channel are instances", single_channels_are_instances),
    ),
)
RMSNorm = normalization_of(
    "RMSNorm",
    rms_norm,
    rms_norm_module,
    rms_norm_cases,
    rejects=ENDS,
    laws=(has_moments(elements, centred=False), ignores_scale(elements), ignores_batch(has_batch)),
)

OPERATIONS = (LayerNorm, GroupNorm, RMSNorm)
