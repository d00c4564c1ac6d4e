"""Sums of products as matrix units make them, cut off or in parts that are stored, lie in the ball; short and exact ones are exact."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.bounded import BFLOAT16, FLOAT16, FLOAT32, TF32, Format, Split, contract, exact, ieee, weighted
from tests.test_bounded_elementwise import assert_within
from tests.test_bounded_formats import nearest

patient = settings(deadline=None)
SHORT = st.sampled_from([FLOAT16, BFLOAT16])


def cut_off(q: Fraction, fmt: Format, like: Fraction) -> Fraction:
    """A number without what is below the last place of another one."""
    if not like:
        return q
    exponent = max(math.frexp(float(abs(like)))[1] - 1, fmt.emin) - fmt.precision + 1
    place = Fraction(2) ** exponent
    return math.trunc(q / place) * place


def chopped(products: list[Fraction], fmt: Format, data: st.DataObject) -> Fraction:
    """Blocks of any length, in any order, are aligned with the largest and cut off, and so are the sums."""
    left, total = data.draw(st.permutations(products)), Fraction(0)
    while left:
        block, left = left[: (length := data.draw(st.integers(1, len(left))))], left[length:]
        largest = max([total, *block], key=abs)
        total = sum((cut_off(q, fmt, largest) for q in [total, *block]), Fraction(0))
        total = cut_off(total, fmt, total)
    return total


def in_parts(products: list[Fraction], split: Split, data: st.DataObject) -> Fraction:
    """Parts of at least so many products each, but for the last, are summed in float32, stored, and added in any order."""
    left, parts = list(products), []
    while left:
        length = data.draw(st.integers(split.least, max(split.least, len(left))))
        parts.append(sum(left[:length], Fraction(0)))
        left = left[length:]
    if len(parts) == 1 and split.least > 1:
        return parts[0]

    def stored(q: Fraction) -> Fraction:
        return Fraction(nearest(q, split.storage))

    parts = [stored(Fraction(nearest(part, FLOAT32))) for part in parts]
    while len(parts) > 1:
        parts.append(stored(parts.pop(data.draw(st.integers(0, len(parts) - 1))) + parts.pop()))
    return parts[0]


def numbers(fmt: Format) -> Any:
    """Numbers of a format, of sizes whose sums do not overflow."""
    return st.floats(-64, 64).map(lambda x: float(fmt.round(np.array(x))))


@patient
@given(st.data(), st.sampled_from([FLOAT16, BFLOAT16, TF32]))
def test_chopped_contractions_contain_every_block(data: st.DataObject, fmt: Format) -> None:
    by = ieee("float32").but(chopped=True)
    pairs = data.draw(st.lists(st.tuples(numbers(fmt), numbers(fmt)), min_size=1, max_size=9))
    a, b = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    subject = chopped([Fraction(x) * Fraction(y) for x, y in pairs], FLOAT32, data)
    assert_within(contract("i,i->", exact(a, by), exact(b, by)), subject)


def test_what_is_cut_off_is_more_than_rounding_explains() -> None:
    """Seven products that hang over by nearly a place each."""
    a, small = np.ones(8), (1 - 2.0**-10) * 2.0**-12
    a[1:] = small
    b = np.array([1.0, *[2.0**-11] * 7])
    subject = Fraction(1)
    by = ieee("float32").but(accumulate=FLOAT32)
    exactly = Fraction(1) + 7 * Fraction(small) * Fraction(1, 2**11)
    assert subject == sum(cut_off(Fraction(x) * Fraction(y), FLOAT32, Fraction(1)) for x, y in zip(a, b, strict=True))
    assert_within(contract("i,i->", exact(a, by.but(chopped=True)), exact(b, by.but(chopped=True))), subject)
    assert float(exactly - subject) > 0


@patient
@given(st.lists(st.integers(-2000, 2000), min_size=1, max_size=40))
def test_integers_are_exact_however_they_are_chopped_and_split_while_parts_are_exact(xs: list[int]) -> None:
    ones = np.resize([1.0, -1.0, 0.0], len(xs))
    plain = ieee("float16")
    for by in (plain.but(chopped=True), plain.but(split=Split(FLOAT16, 8)), plain.but(split=Split(FLOAT16, 1))):
        y = contract("i,i->", exact(np.array(xs), by), exact(ones, by))
        assert y.value == np.dot(xs, ones)
        if by.split is None or np.abs(xs)[ones != 0].sum() <= 2048 or (by.split.least == 8 and len(xs) <= 8):
            assert y.error == 0


@patient
@given(st.data(), SHORT, st.sampled_from([1, 2, 8]))
def test_split_contractions_contain_every_split(data: st.DataObject, fmt: Format, least: int) -> None:
    by = ieee(fmt.name).but(split=Split(fmt, least))
    pairs = data.draw(st.lists(st.tuples(numbers(fmt), numbers(fmt)), min_size=1, max_size=20))
    a, b = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    try:
        subject = in_parts([Fraction(x) * Fraction(y) for x, y in pairs], Split(fmt, least), data)
    except (OverflowError, ValueError):  # an infinity: tested below
        return
    assert_within(contract("i,i->", exact(a, by), exact(b, by)), subject)


@patient
@given(st.data(), SHORT)
def test_a_bias_is_added_to_a_split_sum_first_or_last(data: st.DataObject, fmt: Format) -> None:
    split = Split(fmt, 1)
    by = ieee(fmt.name).but(split=split)
    pairs = data.draw(st.lists(st.tuples(numbers(fmt), numbers(fmt)), min_size=1, max_size=6))
    a, b = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    bias, products = data.draw(numbers(fmt)), [Fraction(x) * Fraction(y) for x, y in pairs]
    first = in_parts([*products, Fraction(bias)], split, data)
    last = Fraction(nearest(in_parts(products, split, data) + Fraction(bias), fmt))
    y = contract("i,i->", exact(a, by), exact(b, by), exact(bias, by).reshape(()))
    assert_within(y, first)
    assert_within(y, last)


def test_a_sum_as_short_as_a_part_is_not_split() -> None:
    x = np.random.default_rng(0).normal(size=(2, 9)).astype(np.float16).astype(float)
    plain, split = ieee("float16"), ieee("float16").but(split=Split(FLOAT16, 8))
    short, long = x[:, :8], x
    errors = [[float(contract("i,i->", exact(v[0], by), exact(v[1], by)).error) for v in (short, long)] for by in (plain, split)]
    assert errors[0][0] == errors[1][0]
    assert errors[1][1] > 100 * errors[0][1]
    one = np.zeros(9)
    one[0] = x[0, 0]  # a sum that is longer may be, even where the other parts are zero
    assert contract("i,i->", exact(one, ieee("float16")), exact(x[1], ieee("float16"))).error == 0
    assert contract("i,i->", exact(one, split), exact(x[1], split)).error > 0


def test_what_is_made_of_a_split_sum_is_computed_as_before() -> None:
    by = ieee("float16").but(split=Split(FLOAT16, 1))
    x = exact(np.array([0.1, 0.2, 0.3]), by)
    assert contract("i,i->i", x, x).by is by
    assert (x @ x).by is by


def test_parts_may_overflow_where_the_whole_does_not() -> None:
    x = np.array([*[30000.0] * 8, *[-30000.0] * 8])
    ones = np.ones(16)
    plain, split = ieee("float16"), ieee("float16").but(split=Split(FLOAT16, 8))
    assert contract("i,i->", exact(x, plain), exact(ones, plain)).error == 0
    whole = contract("i,i->", exact(x, split), exact(ones, split))
    assert whole.accepts(np.array(np.nan, np.float16))
    assert whole.free
    x[0] = np.inf
    assert contract("i,i->", exact(x, split), exact(ones, split)).free
    assert not contract("i,i->", exact(x, plain), exact(ones, plain)).free


@pytest.mark.parametrize("tie", [1 + 2.0**-11, -1 - 3 * 2.0**-11, 2.0**-137, 2.0**-126 + 2.0**-137])
def test_operands_may_be_rounded_either_way_at_a_tie(tie: float) -> None:
    by = ieee("float32").but(operand=TF32)
    place = 2.0**-10 if abs(tie) > 1 else 2.0**-136
    y = contract("i,i->", exact([tie], by), exact([1.0], by))
    assert y.accepts(np.array(math.floor(tie / place) * place, np.float32))
    assert y.accepts(np.array(math.ceil(tie / place) * place, np.float32))
    assert not y.accepts(np.array((math.ceil(tie / place) + 2) * place, np.float32))


def test_products_below_the_numbers_of_float64_may_be_zero_or_the_least_of_them():
    by = ieee("float64")
    half, found = exact(np.array([0.5, 0.0]), by), np.array([[5e-324, 0.0], [0.0, 0.0]])
    for beside in (1.0, np.nan):
        ball = weighted("ij,j->i", exact(np.array([[5e-324, beside], [0.0, 1.0]]), by), half)
        assert all(ball.accepts(y).all() for y in found)
        assert not ball.accepts(np.array([1.5e-323, 5e-324])).any()
