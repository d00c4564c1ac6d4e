"""Infinities, NaN and what may become them; and the words for what is accepted."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from oracles.bounded import FLOAT16, FLOAT32, Arithmetic, Bounded, contract, exact, ieee, stored

F32, F64, F16 = ieee("float32"), ieee("float64"), Arithmetic(FLOAT16, FLOAT16, FLOAT16)
HUGE = FLOAT32.huge
INF, NAN = np.inf, np.nan


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


def over(x: float = HUGE) -> Bounded:
    return exact(np.float32(x), F32) * 2


@pytest.mark.parametrize("by", [F32, F64, F16], ids=["float32", "float64", "float16"])
def test_exact_special_values_give_exact_ieee_results(by: Arithmetic) -> None:
    grid = np.array([0.0, 1.0, -2.0, INF, -INF, NAN])
    x, y = exact(grid, by)[:, None], exact(grid, by)[None, :]
    with np.errstate(all="ignore"):
        a, b = grid[:, None], grid[None, :]
        pairs = (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum)
        cases = [(f(x, y), f(a, b)) for f in pairs]
        for f in (np.exp, np.log, np.sqrt, np.tanh, np.log1p, np.expm1, np.reciprocal, np.abs, np.square, np.sin):
            cases.append((f(exact(grid, by)), f(grid)))
    for result, expected in cases:
        special = ~np.isfinite(expected) | (expected == 0)
        assert result.accepts(np.broadcast_to(expected, result.shape)).all()
        assert not result.error[special].any()
        assert not result.free.any()


def test_exact_special_values_sum_like_ieee() -> None:
    for terms, expected in (([INF, 1], INF), ([INF, -INF], NAN), ([NAN, 1], NAN), ([-INF, HUGE, HUGE], -INF)):
        x = exact(np.array(terms), F32)
        for result in (x.sum(), contract("i,i->", x, exact(np.ones(len(terms)), F32)), np.cumsum(x)[-1]):
            assert result.accepts(expected) or len(terms) == 3
            assert not result.accepts(1.0) or result.free
    assert exact(np.array([1, NAN]), F32).max().accepts(NAN)
    assert not exact(np.array([1, NAN]), F32).max().accepts(1.0)
    assert exact(np.array([INF, 0.0]), F32).max().accepts(INF)
    assert (exact(np.array([INF]), F32) @ exact(np.array([0.0]), F32)).accepts(NAN)


def test_an_overflowing_result_is_infinite_or_huge_and_nothing_else() -> None:
    for by in (F32, F64, F16):
        huge = by.compute.huge
        x = exact(huge, by) * 2
        assert x.accepts(INF)
        assert not x.accepts(-INF)
        assert not x.accepts(huge / 2)
        assert not x.accepts(NAN)
        assert not x.free
    near = exact(HUGE, F32) + exact(2.0**102, F32)
    assert near.accepts(INF)
    assert near.accepts(HUGE)


def test_overflow_that_stays_out_of_range_keeps_its_value() -> None:
    for x in (over() + over(), over() + 1, over() * 3, 0 - (-over()), np.maximum(over(), 0), abs(over())):
        assert x.accepts(INF)
        assert not x.accepts(1.0)


def test_overflow_brought_back_into_range_is_free() -> None:
    for x in (over() / 4, over() * 2.0**-9, over() - over(), over() * 0.0, np.log(over()), np.sqrt(over()), np.sin(over())):
        assert x.free
        assert x.accepts(NAN)
        assert x.describe() == "anything (overflow)"


def test_functions_that_level_off_take_overflow_calmly() -> None:
    assert np.tanh(over()).accepts(1.0)
    assert not np.tanh(over()).accepts(0.99)
    assert np.exp(-over()).accepts(0.0)
    assert not np.exp(-over()).accepts(1e-30)
    assert (1 / over()).accepts(0.0)
    assert (1 / over()).accepts(np.float32(1 / (2 * HUGE)))
    assert not (1 / over()).accepts(1e-30)
    sigmoid = 1 / (1 + np.exp(exact(np.float32([-200.0, 200.0]), F32)))
    assert sigmoid.accepts([1.0, 0.0]).all()
    assert not sigmoid.accepts([0.99, 1e-30]).any()


def test_sums_whose_order_decides_about_overflow_are_free() -> None:
    mixed = exact(np.float32([HUGE, HUGE, -HUGE]), F32)
    assert mixed.sum().free
    assert contract("i,i->", mixed, exact(np.ones(3), F32)).free
    same = exact(np.float32([HUGE, HUGE]), F32).sum()
    assert same.accepts(INF)
    assert not same.accepts(1.0)
    pair = np.stack([over(), exact(1.0, F32)])
    assert pair.sum().accepts(INF)
    assert contract("i,i->", pair, exact(np.ones(2), F32)).free
    assert not contract("ij,j->i", exact(np.eye(2), F32), exact([1.0, 2.0], F32)).free.any()


def test_domains_left_only_by_error_are_free() -> None:
    assert np.sqrt(Bounded(1e-9, 1e-8, F32)).free
    assert np.log(Bounded(1e-9, 1e-8, F32)).free
    assert (1 / Bounded(1e-9, 1e-8, F32)).free
    assert (exact(3.28e-07, F32) / Bounded(2.8e-45, 5.6e-45, F32)).free  # reaches both infinities
    assert np.sqrt(Bounded(-1.0, 1e-8, F32)).accepts(NAN)
    assert not np.sqrt(Bounded(-1.0, 1e-8, F32)).free


def test_the_branch_not_taken_leaks_nothing() -> None:
    x = exact(np.array([-1.0, 0.0, 4.0]), F32)
    root = np.where(x > 0, np.sqrt(x) / x, 0.0)
    assert root.accepts([0.0, 0.0, 0.5]).all()
    assert not root.free.any()
    masked = np.where(np.array([True, False]), -INF, exact([1.0, 2.0], F32))
    weights = np.exp(masked - masked.max())
    assert weights.error.tolist() == [0.0, 0.0]


def test_underflow_may_lose_one_least_number_only() -> None:
    x = exact(np.float32(1e-30), F32) * exact(np.float32(1e-12), F32)
    tiny = FLOAT32.tiny
    near = np.round(1e-42 / tiny) * tiny
    assert x.accepts([near, near + tiny, near - tiny]).tolist() == [True] * 3
    assert not x.accepts(near + 3 * tiny)
    sums = exact(np.float32(1e-42), F32) + exact(np.float32(3e-45), F32)
    assert sums.error == 0


def test_stored_intermediates_are_rounded_or_kept() -> None:
    by = ieee("bfloat16")
    x = stored(exact(1.0, by) + exact(2.0**-8, by) + exact(2.0**-12, by))
    assert x.error > 2.0**-9
    assert abs(1 + 2.0**-7 - x.value) <= x.error
    assert stored(exact(3.0, by)).error == 0
    assert stored(exact(1.5, F32)).error == 0
    assert stored(exact(70000.0, ieee("float16"))).free
    plain = np.ones(3)
    assert stored(plain) is plain


def test_balls_describe_themselves() -> None:
    assert exact(3.25, F32).describe() == "3.25, exactly"
    assert exact(np.array([1, NAN]), F32).describe((1,)) == "nan, exactly"
    third = (exact(1.0, F32) / 3).describe()
    assert third.startswith("0.333333333 ± ")
    assert "accepted: 0.33333" in third
    assert "rounded to 1" in (exact(1.0, ieee("bfloat16")) + 2.0**-12).describe()


def test_used_shares() -> None:
    x = exact(1.0, F32) / 3
    assert x.used(x.value) == 0
    assert 0 < x.used(np.float32(1 / 3)) <= 1
    assert x.used(1.0) == INF
    assert (over() - over()).used(5.0) == 0
    assert exact(-0.0, F32).used(0.0) == 0
    assert exact(0.0, F32).accepts(-0.0)
