"""Formulas of costs against the parameters that layers hold and the products that torch's own counter sees, forward and backward."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, example, given, settings
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from oracles import costs
from oracles.costs import Work
from tests.layers import COUNTED, LAYERS, Drawn, attentions, convolutions, linears, transposed_convolutions

quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def counted(drawn: Drawn, device: str) -> tuple[int, int]:
    """FLOPs of the forward and of the backward pass, as torch counts them."""
    layer = drawn.make().to(device)
    inputs = [torch.zeros(shape, device=device, requires_grad=True) for shape in drawn.inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with FlopCounterMode(display=False) as forward:
            out = layer(*inputs)
        with FlopCounterMode(display=False) as backward:
            (out[0] if isinstance(out, tuple) else out).sum().backward()
    return forward.get_total_flops(), backward.get_total_flops()


@quick
@given(LAYERS)
def test_parameters_are_those_that_the_layer_holds(drawn):
    assert drawn.work is not None
    assert drawn.work.parameters == sum(p.numel() for p in drawn.make().parameters())


@quick
@given(LAYERS)
def test_elements_in_and_out_are_those_of_the_tensors(drawn):
    assert drawn.work is not None
    assert drawn.work.inputs == sum(math.prod(shape) for shape in drawn.inputs)
    assert drawn.work.outputs == math.prod(drawn.output)
    moved = drawn.work.inputs + drawn.work.outputs + drawn.work.parameters
    assert (drawn.work.bytes(), drawn.work.bytes(2)) == (4 * moved, 2 * moved)


@quick
@given(COUNTED)
def test_forward_flops_are_those_that_torch_counts_on_meta_tensors(drawn):
    assert drawn.work is not None
    assert counted(drawn, "meta")[0] == drawn.work.flops


@quick
@given(convolutions() | transposed_convolutions() | linears() | attentions())
@example(Drawn(lambda: nn.Conv2d(4, 4, 3, groups=2), ((1, 4, 6, 6),), (1, 4, 4, 4), Work(76, 1152, 144, 64), groups=2))
def test_backward_flops_are_those_that_torch_counts_but_for_grouped_weights(drawn):
    """torch counts the gradient of a grouped weight as if there were no groups (pytorch pull request 183405): that or the formula."""
    assert drawn.work is not None
    for device in ("cpu", "meta"):
        forward, backward = counted(drawn, device)
        assert forward == drawn.work.flops
        assert backward in {drawn.work.backward_flops, drawn.work.flops * (1 + drawn.groups)}


@pytest.mark.parametrize(("device", "known"), [("cpu", {0}), ("meta", set())])
def test_attention_is_what_torch_counts_but_on_the_cpu(device, known):
    """On the CPU the fused kernel is not in torch's table, and counts nothing (pytorch pull request 183405)."""
    query = torch.zeros(1, 2, 4, 8, device=device)
    with FlopCounterMode(display=False) as counter:
        F.scaled_dot_product_attention(query, query, query)
    work = costs.attention(query.shape, query.shape, query.shape)
    assert work == Work(0, 512, 192, 64)
    assert counter.get_total_flops() in {work.flops, *known}


def test_attention_with_other_lengths_and_widths():
    query, key, value = (2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 4)
    assert costs.attention(query, key, value).macs == 2 * 3 * (5 * 7 * 8 + 5 * 7 * 4)


def test_the_articles_formulas():
    work = costs.convolution((1, 3, 32, 32), (1, 16, 32, 32), 3, 16, (5, 5))
    assert work.parameters == (3 * 5 * 5 + 1) * 16
    assert work.macs == 3 * 5 * 5 * 32 * 32 * 16
    assert work.flops == 3 * 2 * 5 * 5 * 32 * 32 * 16
    assert work.intensity() == work.flops / (4 * (3 * 32 * 32 + 16 * 32 * 32 + work.parameters))


@pytest.mark.parametrize("bias", [True, False])
def test_products_counted_one_by_one(bias):
    """Every pair of weight and pixel that a naive loop multiplies."""
    groups, i, o, k, stride = 2, 4, 6, (2, 3), 2
    layer = nn.Conv2d(i, o, k, stride, groups=groups, bias=bias)
    x = torch.zeros(2, i, 6, 7)
    y = layer(x)
    products = sum(1 for _ in range(y.numel()) for _ in range(i // groups) for _ in range(k[0] * k[1]))
    assert costs.convolution(tuple(x.shape), tuple(y.shape), i, o, k, groups, bias).macs == products


def test_a_layer_that_moves_nothing_has_no_intensity():
    assert Work(0, 0, 0, 0).intensity() == 0.0
    assert Work(1, 1, 1, 1).backward_bytes() == 4 * 5
