"""Sums and sums of products, in whatever order a subject adds, lie in the ball; sums of integers are exact."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.bounded import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    TF32,
    Arithmetic,
    Bounded,
    Format,
    add_at,
    as_input,
    cascade,
    coarse,
    constant,
    contract,
    exact,
    ieee,
    tabulated,
    weighted,
)  # fmt: skip
from tests.test_bounded_elementwise import FORMATS, SHARE, assert_within, native, number, operands
from tests.test_bounded_formats import nearest


def added(terms: list[Fraction], fmt: Format, data: st.DataObject) -> Fraction | float:
    """A sum in a random order: any two of the parts are added and rounded until one is left."""
    parts: list[Any] = list(terms)
    while len(parts) > 1:
        a = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        b = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        exact_sum = a + b
        parts.append(exact_sum if isinstance(exact_sum, float) else nearest(exact_sum, fmt))
        if isinstance(parts[-1], float):
            return parts[-1]
    return parts[0] if parts else Fraction(0)


def together(balls: list[Bounded]) -> Bounded:
    return Bounded([float(x.value) for x in balls], [float(x.error) for x in balls], balls[0].by)


@given(st.data(), FORMATS)
def test_sums_contain_every_order(data: st.DataObject, fmt: Format) -> None:
    drawn = data.draw(st.lists(operands(fmt), min_size=1, max_size=7))
    x = together([b for b, _ in drawn])
    points = [number(b, p) for b, p in drawn]
    subject = added(points, fmt, data)
    if isinstance(subject, float) and np.isnan(subject):
        return
    for result in (x.sum(), np.sum(x, axis=0), np.add.reduce(x), np.cumsum(x)[-1], np.einsum("i->", x)):
        assert_within(result, subject)
    assert_within(add_at((1,), np.zeros(len(points), dtype=int), x)[0], subject)
    if not isinstance(subject, float):
        assert_within(x.mean(), nearest(subject / len(points), fmt))


@given(st.data(), FORMATS, st.booleans(), st.booleans())
def test_contractions_contain_every_order(data: st.DataObject, fmt: Format, biased: bool, bias_last: bool) -> None:
    pairs = data.draw(st.lists(st.tuples(operands(fmt), operands(fmt)), min_size=1, max_size=5))
    a, b = (together([pair[i][0] for pair in pairs]) for i in (0, 1))
    terms: list[Any] = [nearest(p[1] * q[1], fmt) for p, q in pairs]
    bias, point = data.draw(operands(fmt))
    point = number(bias, point)
    if any(isinstance(t, float) for t in terms):
        return
    start = bias.reshape(()) if biased else None
    subject = added(terms if bias_last or not biased else [point, *terms], fmt, data)
    if biased and bias_last and not isinstance(subject, float):
        subject = nearest(subject + point, fmt)
    if isinstance(subject, float) and np.isnan(subject):
        return
    assert_within(contract("i,i->", a, b, start), subject)
    if not biased:
        assert_within(np.matmul(a, b), subject)
        assert_within(np.tensordot(a, b, 1), subject)
        assert_within(np.dot(a, b), subject)


@given(st.data(), st.sampled_from([FLOAT16, BFLOAT16]))
def test_composites_contain_chains_of_stored_results(data: st.DataObject, fmt: Format) -> None:
    by = ieee(fmt.name).as_composite()
    drawn = [data.draw(operands(fmt)) for _ in range(3)]
    (x, a), (y, b), (z, c) = [(Bounded(o.value, o.error, by), p) for o, p in drawn]

    def stored(q: Fraction) -> Fraction:
        return Fraction(float(nearest(q if (wide := nearest(q, FLOAT32)) in (np.inf, -np.inf) else Fraction(wide), fmt)))

    try:
        subject = stored(stored(a * b) + c)
    except (OverflowError, ValueError):  # an infinity: tested in test_bounded_overflow.py
        return
    assert_within(x * y + z, subject)


@given(st.lists(st.integers(-2000, 2000), min_size=1, max_size=12), st.sampled_from(["float64", "float32", "bfloat16", "float16"]))
def test_integers_sum_exactly(xs: list[int], name: str) -> None:
    by = ieee(name)
    x = exact(np.array(xs), by)
    w = exact(np.resize([1, -1, 0], len(xs)), by)
    inner = int(np.dot(xs, w.value))
    for result, expected in ((x.sum(), sum(xs)), (contract("i,i->", x, w, exact(7, by)), inner + 7), (x @ w, inner)):
        assert result.error == 0
        assert result.value == expected
    assert np.array_equal(np.cumsum(x).value, np.cumsum(xs))
    assert not np.cumsum(x).error.any()


def test_sums_are_exact_only_while_every_partial_sum_is() -> None:
    by = native(FLOAT32)
    assert exact([2.0**24 - 1, 1], by).sum().error == 0
    assert exact([2.0**24, 1], by).sum().error > 0
    assert exact([2.0**24, 2, -6], by).sum().error == 0
    assert (exact([2.0**12 + 1], by) @ exact([2.0**12 + 1], by)).error > 0
    assert exact([1.0, 2.0**-30], by).sum().accepts(1.0)


def test_only_terms_that_are_not_zero_are_counted() -> None:
    x = exact([1 / 3, 0, 0, 0, 0.7], native(FLOAT64))
    dense = exact([1 / 3, 0.1, 0.1, 0.1, 0.7], native(FLOAT64))
    assert x.sum().error < 0.4 * dense.sum().error
    ones = exact(np.ones(5), native(FLOAT64))
    assert (x @ ones).error < 0.6 * (dense @ ones).error


def test_declared_depth_tightens_sums_and_leaves_products_alone() -> None:
    x = np.random.default_rng(0).normal(size=4096).astype(np.float32)
    shallow = native(FLOAT32).but(depth=cascade)
    assert exact(x, shallow).sum().error < exact(x, native(FLOAT32)).sum().error / 100
    ones = [exact(np.full(4096, 0.1, np.float32), by) for by in (native(FLOAT32), shallow)]
    assert (ones[0] @ ones[0]).error == (ones[1] @ ones[1]).error
    assert cascade(1) == 0
    assert cascade(65536) == 24


def test_rounded_operands_are_seen_on_integers() -> None:
    by = native(FLOAT32).but(operand=TF32)
    x, w = np.array([4095.0, 1.0]), np.array([1.0, 1.0])
    rough = exact(x, by) @ exact(w, by)
    assert rough.accepts(float(TF32.round(np.array(4095.0)) + 1))
    assert not (exact(x, native(FLOAT32)) @ exact(w, native(FLOAT32))).accepts(4097.0)
    assert (exact([1023.0, 1.0], by) @ exact(w, by)).error == 0


def test_coarse_accumulation_errs_by_the_storage_format() -> None:
    by = ieee("bfloat16")
    x = exact(np.array([1.0, 2.0**-7, 2.0**-8, 2.0**-9]), by)
    assert x.sum().error == 0
    total = coarse(x).sum()
    for order in itertools.permutations(x.value):
        partial = 0.0
        for term in order:
            partial = float(BFLOAT16.round(np.array(partial + term)))
        assert abs(partial - total.value) <= total.error
    assert coarse(3.0) == 3.0


def test_fixed_point_constants_err_absolutely_and_sums_do_not() -> None:
    by = ieee("uint8").but(constant_bits=8)
    x = exact(np.array([200, 100, 50], dtype=np.uint8), by)
    weights = constant(np.array([0.25, 0.3, 0.45]), by)
    assert weights.error.tolist() == [0, 2.0**-8, 2.0**-8]
    y = contract("i,i->", x, weights)
    assert y.error == pytest.approx(150 * 2.0**-8, rel=1e-9)
    assert (x * 0.5).error.max() == 0


@given(st.data(), SHARE)
def test_flushing_subjects_lie_in_their_ball(data: st.DataObject, share: Fraction) -> None:
    fmt = FLOAT32
    by = native(fmt).but(flush=True)
    (x, _), (y, _) = (data.draw(operands(fmt)) for _ in range(2))

    def flush(q: Fraction | float) -> Fraction | float:
        return Fraction(0) if not isinstance(q, float) and abs(q) < Fraction(fmt.normal) else q

    a, b = (Fraction(float(o.value)) for o in (x, y))
    p, q = exact(float(x.value), by), exact(float(y.value), by)
    for read in (lambda t: t, flush):
        assert_within(p * q, flush(nearest(read(a) * read(b), fmt)))
        assert_within(p + q, flush(nearest(read(a) + read(b), fmt)))
        assert_within(p.reshape(1) @ q.reshape(1), flush(nearest(read(a) * read(b), fmt)))


def test_subnormal_inputs_are_doubtful_where_they_may_be_read_as_zero() -> None:
    least = FLOAT32.normal
    numbers = np.array([least / 2, -least / 4, least, 0.0, 1.0, np.inf, np.nan])
    by = native(FLOAT32).but(flush=True, reads_zero=True)
    read = as_input(numbers, by)
    np.testing.assert_array_equal(read.value, numbers)
    assert read.error.tolist() == [least / 2, least / 4, 0, 0, 0, 0, 0]
    assert np.maximum(read, 0.0).error[:2] == pytest.approx([least / 2, 0], abs=0, rel=1e-9)
    assert as_input(numbers, by.but(reads_zero=False)).is_exact


def test_mixed_arithmetics_take_the_coarser_sums() -> None:
    by = Arithmetic(FLOAT16, FLOAT32, FLOAT32)
    x = exact(np.array([0.1, 0.2, 0.3]), by)
    assert (coarse(x) + x).by.accumulate == FLOAT16
    assert FLOAT64.precision == 53


def test_a_weight_of_zero_makes_no_term_unless_it_may() -> None:
    x = exact(np.array([1.0, np.inf, np.nan, 4.0]), ieee("float32"))
    weights = np.array([[1.0, 0, 0, 0.5], [0, 2.0, 0, 0], [0, -1.0, 0, 0], [1.0, 0, 1.0, 0], [1.0, 0, 0, 1.0]])
    beside = np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(weighted("i,oi->o", x, weights).value, [3, np.inf, -np.inf, np.nan, 5])
    np.testing.assert_array_equal(weighted("i,oi->o", x, weights, beside).value, [3, np.inf, -np.inf, np.nan, np.nan])
    opposed = weighted("i,oi->o", exact(np.array([np.inf, np.inf]), ieee("float32")), np.array([[1.0, -1.0]]))
    assert np.isnan(opposed.value).all()
    assert not opposed.free.any()


def test_a_weight_that_may_be_zero_frees_what_it_multiplies() -> None:
    weights = Bounded(np.array([[1e-9, 1.0]]), np.array([[1e-8, 0.0]]), ieee("float32"))
    assert weighted("i,oi->o", exact(np.array([np.inf, 1.0]), ieee("float32")), weights).free.all()
    assert not weighted("i,oi->o", exact(np.array([1.0, np.inf]), ieee("float32")), weights).free.any()


@pytest.mark.parametrize("largest", [1.0, 0.99999, 0.6, 0.5, 1.1, 1 / 128])
def test_tables_of_weights_are_of_the_bits_that_their_largest_one_leaves(largest: float) -> None:
    """As many bits as leave the largest weight below 2¹⁵."""
    by = ieee("uint8").but(table_bits=14)
    found = tabulated(exact(np.array([largest, largest / 3]), by))
    bits = max(b for b in range(23) if math.floor(largest * 2.0**b + 0.5) < 2**15)
    assert 2.0 ** -(bits + 1) <= found.error[1] <= 2.0**-bits
    assert tabulated(exact(np.array([largest]), ieee("uint8"))).error[0] == 0
