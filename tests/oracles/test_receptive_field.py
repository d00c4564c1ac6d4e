"""Receptive fields: the formula against the sets, the sets against naive loops, both against published fields."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.operations.stack import cases
from oracles import receptive_field as rf
from oracles.layers import along_the_way, kind_of, look, sights
from oracles.receptive_field import Field, window

WINDOWS = ("Conv", "MaxPool", "AvgPool", "ReLU", "ChannelShuffle", "PixelUnshuffle")


@settings(max_examples=300, deadline=None)
@given(cases("float32"))
def test_the_formula_holds_the_set_and_is_the_set_where_windows_do_not_touch_the_border(case):
    layers, x = case.options["layers"], case.arrays["x"].shape
    for side, (formula, cells) in zip(x[2:], sights(x, layers), strict=True):
        for i, row in enumerate(cells):
            seen, allowed = np.flatnonzero(row), formula.sees(i)
            assert set(seen.tolist()) <= set(allowed)
            assert len(allowed) <= formula.size
            if all(kind_of(layer) in WINDOWS for layer in layers) and allowed.start >= 0 and allowed.stop <= side:
                assert (seen[0], seen[-1]) == (allowed[0], allowed[-1])
                assert len(allowed) == formula.size


@settings(max_examples=200, deadline=None)
@given(cases("float32"))
def test_one_layer_sees_no_less_than_its_formula_says_somewhere(case):
    """The size is reached, not only bounded, wherever the image is large enough for an output that looks inside of it."""
    for layer, x, y in along_the_way(case.arrays["x"].shape, case.options["layers"]):
        for axis in range(len(x) - 2):
            three, cells = look(layer, axis, x[axis + 2], y[axis + 2])
            size, sees = rf.field([three]).size, [rf.field([three]).sees(i) for i in range(y[axis + 2])]
            spans = [
                np.ptp(np.flatnonzero(row)) + 1
                for row, s in zip(cells, sees, strict=True)
                if s.start >= 0 and s.stop <= x[axis + 2] and row.any()
            ]
            largest = max((len(s) for s in sees if s.start >= 0 and s.stop <= x[axis + 2]), default=0)
            seen = max(spans, default=0)
            dilated = kind_of(layer) == "ConvTranspose" and layer[9] != (1,) * (len(x) - 2)  # taps that meet fewer pixels than fit
            assert seen == largest <= size or (dilated and seen <= largest), (layer, three)


@pytest.mark.parametrize(("stride", "padding", "dilation", "kernel"), [(1, 0, 1, 3), (2, 1, 2, 3), (3, 2, 1, 4), (2, 0, 3, 1)])
def test_sets_are_those_of_a_naive_loop(stride, padding, dilation, kernel):
    side = 11
    count = (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    wanted = np.zeros((count, side), bool)
    back = np.zeros((side, count), bool)
    for i in range(count):
        for p in range(kernel):
            j = i * stride + p * dilation - padding
            if 0 <= j < side:
                wanted[i, j] = back[j, i] = True
    assert (rf.window_reach(side, count, kernel, stride, padding, dilation) == wanted).all()
    assert (rf.transposed_reach(count, side, kernel, stride, padding, dilation) == back).all()


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 9), st.integers(1, 20))
def test_interpolation_and_adaptive_pooling_see_what_the_definition_says(side, new):
    ratio = Fraction(side, new)
    for i in range(new):
        assert np.flatnonzero(rf.nearest_reach(side, new)[i]).tolist() == [i * side // new]
        source = min(max((i + Fraction(1, 2)) * ratio - Fraction(1, 2), Fraction(0)), Fraction(side - 1))
        near = [j for j in range(side) if abs(j - source) < 1]
        assert np.flatnonzero(rf.linear_reach(side, new)[i]).tolist() == near
        assert set(near) <= set(rf.field([rf.linear(ratio)]).sees(i)) or source in (0, side - 1)
        corner = Fraction(i * (side - 1), max(new - 1, 1))
        assert np.flatnonzero(rf.linear_reach(side, new, align_corners=True)[i]).tolist() == [j for j in range(side) if abs(j - corner) < 1]
        assert set(np.flatnonzero(rf.adaptive_reach(side, new)[i])) <= set(rf.field([rf.adaptive(side, new)]).sees(i))


def test_published_fields():
    """Araujo, Norris & Sim 2019, table 1: AlexNet (pool5) 195, jump 32; VGG-16 (pool5) 212, jump 32, padding 90."""
    alexnet = [window(11, 4), window(3, 2), window(5, 1, 2), window(3, 2), *[window(3, 1, 1)] * 3, window(3, 2)]
    assert (rf.field(alexnet).size, rf.field(alexnet).jump) == (195, 32)
    vgg = [look for depth in (2, 2, 3, 3, 3) for look in (*[window(3, 1, 1)] * depth, window(2, 2))]
    assert rf.field(vgg) == Field(Fraction(32), Fraction(-90), Fraction(211))


@pytest.mark.parametrize("n", range(1, 6))
def test_n_filters_of_3_see_what_one_of_2n_plus_1_sees(n):
    assert rf.field([window(3, 1, 1)] * n) == rf.field([window(2 * n + 1, 1, n)])


def test_dilation_2_4_8_doubles_the_field():
    assert [rf.field(window(3, 1, d, d) for d in (1, 2, 4, 8)[:n]).size for n in (1, 2, 3, 4)] == [3, 7, 15, 31]
