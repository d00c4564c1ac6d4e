"""Blocks of attention composed of public functions, each named by the one that makes it what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.operations.softmax import agree
from conformance.strategies import FINITE_REGIMES, Data, data_of, side
from oracles import attention_blocks as oracle


def call_hard_attention(query, key, value):
    index = torch.argmax(query @ key.mT, dim=-1)
    return {"output": torch.nn.functional.one_hot(index, key.shape[1]).to(value.dtype) @ value, "index": index}


def call_squeeze_excitation(x, weight1, bias1, weight2, bias2):
    nn, (reduced, channels) = torch.nn, weight1.shape
    excite = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, reduced), nn.ReLU(), nn.Linear(reduced, channels), nn.Sigmoid()
    )
    parameters = {"2.weight": weight1, "2.bias": bias1, "4.weight": weight2, "4.bias": bias2}
    return x * torch.func.functional_call(excite, parameters, x)[:, :, None, None]


def build_squeeze_excitation(x, weight1, bias1, weight2, bias2):
    reduced, channels = weight1.shape
    return torch.nn.Sequential(torch.nn.Linear(channels, reduced), torch.nn.Linear(reduced, channels))


def call_spatial_attention(x, weight):
    maps = torch.stack([x.mean(dim=1), x.max(dim=1).values], dim=1)
    layer = torch.nn.Conv2d(2, 1, weight.shape[-1], padding=weight.shape[-1] // 2, bias=False)
    return x * torch.sigmoid(torch.func.functional_call(layer, {"weight": weight}, maps))


def call_pooled_attention(x, weight):
    shares = torch.nn.Softmax(dim=1)(torch.nn.functional.linear(x.movedim(2, -1), weight[None]).squeeze(-1))
    return (shares.unsqueeze(2) * x).sum(dim=1)


def weight_of(data: Data, name: str, *shape: int) -> np.ndarray:
    """Parameters that keep results moderate: signs for whole numbers, ordinary numbers for large ones."""
    regime = {"wide": "normal", "cancelling": "normal"}.get(data.regime, data.regime)
    array = data.array(name, *shape, regime=regime)
    return np.sign(array) if regime == "integers" else array


@st.composite
def hard_attention_cases(draw: st.DrawFn, dtype: str) -> Case:
    data = draw(data_of(dtype, FINITE_REGIMES))
    count, length, keys, width = draw(st.sampled_from([1, 2, 3, 0])), draw(side()), draw(side()), draw(side())
    arrays = {"query": data.array("query", count, length, width), "key": data.array("key", count, keys, width)}
    return data.case({**arrays, "value": data.array("value", count, keys, draw(side()))})


@st.composite
def squeeze_excitation_cases(draw: st.DrawFn, dtype: str) -> Case:
    data = draw(data_of(dtype, FINITE_REGIMES))
    count, channels, reduced = draw(st.sampled_from([1, 2, 3, 0])), draw(side()), draw(st.integers(1, 4))
    parameters = {"weight1": (reduced, channels), "bias1": (reduced,), "weight2": (channels, reduced), "bias2": (channels,)}
    arrays = {name: weight_of(data, name, *shape) for name, shape in parameters.items()}
    return data.case({"x": data.array("x", count, channels, draw(st.integers(1, 5)), draw(side(1, 5))), **arrays})


@st.composite
def spatial_attention_cases(draw: st.DrawFn, dtype: str) -> Case:
    data = draw(data_of(dtype, FINITE_REGIMES))
    count, kernel = draw(st.sampled_from([1, 2, 0])), draw(st.sampled_from([3, 1, 5, 7]))
    x = data.array("x", count, draw(side(1, 6)), draw(st.integers(1, 7)), draw(side(1, 7)))
    return data.case({"x": x, "weight": weight_of(data, "weight", 1, 2, kernel, kernel)})


@st.composite
def temporal_attention_cases(draw: st.DrawFn, dtype: str) -> Case:
    data = draw(data_of(dtype, FINITE_REGIMES))
    channels = draw(side())
    x = data.array("x", draw(st.sampled_from([1, 2, 3, 0])), draw(side()), channels)
    return data.case({"x": x, "weight": weight_of(data, "weight", channels)})


@st.composite
def scale_attention_cases(draw: st.DrawFn, dtype: str) -> Case:
    data = draw(data_of(dtype, FINITE_REGIMES))
    channels = draw(side(1, 6))
    sides = draw(st.integers(1, 5)), draw(side(1, 5))
    x = data.array("x", draw(st.sampled_from([1, 2, 0])), draw(st.integers(1, 4)), channels, *sides)
    return data.case({"x": x, "weight": weight_of(data, "weight", channels)})


def hard_attention_shape(query: Any, key: Any, value: Any) -> dict[str, Any]:
    return {"output": (*query[:2], value[2]), "index": query[:2]}


def hard_attention_cost(query: Any, key: Any, value: Any) -> Cost:
    pairs = query[0] * query[1] * key[1]
    return Cost(0, pairs * (query[2] + value[2]), backward_macs=pairs * value[2])  # only the values have a gradient


def like_x(x: Any, **parameters: Any) -> dict[str, Any]:
    return {"output": x}


def squeeze_excitation_cost(x: Any, weight1: Any, **parameters: Any) -> Cost:
    """Two linear layers for each image."""
    reduced, channels = weight1
    return Cost(2 * reduced * channels + reduced + channels, 2 * x[0] * reduced * channels)


def spatial_attention_cost(x: Any, weight: Any) -> Cost:
    """One convolution of two channels into one, at every place."""
    return Cost(0, x[0] * x[2] * x[3] * weight[1] * weight[2] * weight[3])


def pooled_attention_shape(x: Any, weight: Any) -> dict[str, Any]:
    return {"output": (x[0], *x[2:])}


def pooled_attention_cost(x: Any, weight: Any) -> Cost:
    """The scores; the mixture is elementwise."""
    return Cost(0, int(np.prod(x)))


def attenuates(trial: Trial, case: Case) -> None:
    """A gate lies between 0 and 1, and rounding keeps order: no result exceeds its input."""
    x, y = case.arrays["x"], trial.run(case)["output"]
    assert x is not None
    wrong = np.abs(y.astype(float)) > np.abs(x.astype(float))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Disagreement(f"output{list(index)} is {float(y[index])!r}, larger than its input {float(x[index])!r}", index=index)


def order_of_steps(trial: Trial, case: Case) -> None:
    """The mixture does not depend on the order of what is mixed."""
    x = case.arrays["x"]
    assert x is not None
    agree(trial, case, case.but(x=np.flip(x, 1).copy()), "reversing the steps changes the mixture")


ATTENUATES = (Law("gates only attenuate", attenuates),)
ORDER = (Law("the order of steps does not matter", order_of_steps),)

HardAttention = Operation(
    name="torch.nn.functional.one_hot",
    variant="HardAttention",
    call=call_hard_attention,
    oracle=oracle.hard_attention,
    gradient=oracle.hard_attention_gradient,
    shape=hard_attention_shape,
    cost=hard_attention_cost,
    cases=hard_attention_cases,
    result_dtypes={"index": "int64"},
    follows_subject=True,
    abstract=False,
    dtypes=FLOATS,
)

SqueezeExcitation = Operation(
    name="torch.nn.Sequential",
    variant="SqueezeExcitation",
    call=call_squeeze_excitation,
    oracle=oracle.squeeze_excitation,
    gradient=oracle.squeeze_excitation_gradient,
    shape=like_x,
    cost=squeeze_excitation_cost,
    laws=ATTENUATES,
    module=build_squeeze_excitation,
    cases=squeeze_excitation_cases,
    dtypes=FLOATS,
)

SpatialAttention = Operation(
    name="torch.nn.Conv2d",
    variant="SpatialAttention",
    call=call_spatial_attention,
    oracle=oracle.spatial_attention,
    gradient=oracle.spatial_attention_gradient,
    shape=like_x,
    cost=spatial_attention_cost,
    laws=ATTENUATES,
    cases=spatial_attention_cases,
    dtypes=FLOATS,
)

TemporalAttention = Operation(
    name="torch.nn.Softmax",
    variant="TemporalAttention",
    call=call_pooled_attention,
    oracle=oracle.pooled_attention,
    gradient=oracle.pooled_attention_gradient,
    shape=pooled_attention_shape,
    cost=pooled_attention_cost,
    laws=ORDER,
    cases=temporal_attention_cases,
    dtypes=FLOATS,
)

ScaleAttention = Operation(
    name="torch.nn.Softmax",
    variant="ScaleAttention",
    call=call_pooled_attention,
    oracle=oracle.pooled_attention,
    gradient=oracle.pooled_attention_gradient,
    shape=pooled_attention_shape,
    cost=pooled_attention_cost,
    laws=ORDER,
    cases=scale_attention_cases,
    dtypes=FLOATS,
)

OPERATIONS = (HardAttention, SqueezeExcitation, SpatialAttention, ScaleAttention, TemporalAttention)
