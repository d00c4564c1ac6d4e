"""Formulas of shapes against what torch computes, and what it infers on meta and fake tensors."""

import warnings

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from oracles import shapes
from tests.layers import LAYERS, Drawn


def run(drawn: Drawn, device: str) -> tuple[int, ...]:
    """The shape of what the layer gives on a device."""
    dtype = torch.int64 if drawn.integers else torch.float32
    with torch.device(device), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = drawn.make()(*(torch.zeros(shape, dtype=dtype) for shape in drawn.inputs))
    return tuple((out[0] if isinstance(out, tuple) else out).shape)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(LAYERS)
def test_the_formula_is_the_shape_that_is_computed_and_inferred(drawn):
    assert run(drawn, "cpu") == drawn.output
    assert run(drawn, "meta") == drawn.output


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(LAYERS)
def test_the_formula_is_the_shape_on_fake_tensors(drawn):
    with FakeTensorMode():
        assert run(drawn, "cpu") == drawn.output


@settings(max_examples=60, deadline=None)
@given(rank=st.integers(1, 3), kernel=st.integers(1, 3), stride=st.sampled_from((None, 1, 2, 3)), side=st.integers(3, 6))
def test_unpooling_gives_back_what_pooling_would_take(rank, kernel, stride, side):
    pooled = (1, 2, *[side] * rank)
    layer = (torch.nn.MaxUnpool1d, torch.nn.MaxUnpool2d, torch.nn.MaxUnpool3d)[rank - 1](kernel, stride)
    out = layer(torch.zeros(pooled), torch.zeros(pooled, dtype=torch.int64))
    assert tuple(out.shape) == shapes.unpooling(pooled, kernel, stride, rank=rank)
    assert shapes.pooling(tuple(out.shape), kernel, stride, rank=rank) == pooled


def test_formulas_of_textbook_layers():
    image = (1, 3, 224, 224)
    assert shapes.convolution(image, 64, 7, 2, 3, rank=2) == (1, 64, 112, 112)
    assert shapes.convolution(image, 64, 3, 1, "same", 2, rank=2) == (1, 64, 224, 224)
    assert shapes.transposed_convolution((1, 64, 14, 14), 32, 4, 2, 1, rank=2) == (1, 32, 28, 28)
    assert shapes.pooling((1, 64, 112, 112), 3, 2, 1, rank=2) == (1, 64, 56, 56)
    assert shapes.pooling((1, 64, 112, 112), 3, 2, ceil_mode=True, rank=2) == (1, 64, 56, 56)
    assert shapes.attention((2, 8, 5, 16), (2, 8, 7, 16), (2, 8, 7, 4)) == (2, 8, 5, 4)
    assert shapes.folded((1, 27, 16), (6, 6), 3) == (1, 3, 6, 6)
