"""Choices: comparisons in doubt, saturated integers, sets of results. And moves, which change no element."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.bounded import INTEGERS, Bounded, Doubtful, Exactly, OneOf, add_at, contract, erf, exact, ieee

F32 = ieee("float32")
UINT8, INT16 = INTEGERS["uint8"], INTEGERS["int16"]


@given(st.integers(-40, 1100), st.integers(0, 8), st.integers(-4, 4))
def test_saturated_integers_are_all_roundings_of_the_interval(quarters: int, eighths: int, step: int) -> None:
    value, error = Fraction(quarters, 4), Fraction(eighths, 8)
    accepted = Bounded(float(value), float(error), F32).saturated(UINT8)
    point = value + Fraction(step, 4) * error
    for rounded in {(point - Fraction(1, 2)).__ceil__(), (point + Fraction(1, 2)).__floor__()}:
        assert accepted.accepts(min(max(rounded, 0), 255))
    least, most = (min(max(n, 0), 255) for n in ((value - error - Fraction(1, 2)).__ceil__(), (value + error + Fraction(1, 2)).__floor__()))
    assert not accepted.accepts(least - 1)
    assert not accepted.accepts(most + 1)


def test_saturation_decides_ties_as_documented() -> None:
    x = exact(np.array([2.5, 3.5, 300.0, -7.0, 2.25]), F32)
    for ties, expected in (("even", [2, 4, 255, 0, 2]), ("up", [3, 4, 255, 0, 2])):
        accepted = x.saturated(UINT8, ties=ties)
        assert accepted.accepts(np.array(expected, dtype=np.uint8)).all()
        assert not accepted.accepts(np.array(expected) + 1).any()
        assert accepted.describe((0,)) == f"{expected[0]}, exactly"
    either = x.saturated(UINT8)
    assert either.accepts([2, 3, 255, 0, 2]).all()
    assert either.accepts([3, 4, 255, 0, 2]).all()
    assert either.describe((0,)) == "2 or 3"
    doubtful = Bounded([2.5, 2.4999], [1e-6, 1e-3], F32).saturated(UINT8, ties="even")
    assert doubtful.accepts([3, 3]).all()
    assert Bounded(np.nan, 0, F32).saturated(INT16).free
    assert either.used(np.array([2, 4, 255, 0, 3])).tolist() == [1, 1, 0, 0, np.inf]
    with pytest.raises(ValueError, match="ties"):
        x.saturated(UINT8, ties="down")


def test_integer_storage_is_judged_by_saturation() -> None:
    x = exact(np.array([1.5, 254.9]), ieee("uint8")) * 1.0
    assert x.accepts([2, 255]).all()
    assert not x.accepts([3, 254]).any()
    assert x.limits()[0].tolist() == [1, 255]


def test_comparisons_are_in_doubt_within_rounding_error_only() -> None:
    x = Bounded([1.0, 1.0, 2.0], [0.1, 0.0, 0.1], F32)
    compared = x > 1
    assert compared.value.tolist() == [False, False, True]
    assert compared.doubt.tolist() == [True, False, False]
    assert (~compared).doubt.tolist() == [True, False, False]
    assert (compared & np.array([False, True, True])).doubt.tolist() == [False, False, False]
    assert (compared | np.array([True, False, False])).doubt.tolist() == [False, False, False]
    assert np.any(compared).value
    assert not np.any(compared).doubt
    assert np.all(compared[1:]).value == False  # noqa: E712 — a Doubtful's array, not a truth
    assert compared.sum().error == 1
    with pytest.raises(ValueError, match="within rounding error"):
        bool(compared[0])
    with pytest.raises(ValueError, match="within rounding error"):
        x[compared]
    assert x[1:][x[1:] > 1].value.tolist() == [2.0]


def test_where_takes_both_branches_in_doubt() -> None:
    x = Bounded([0.0, 5.0], [0.5, 0.5], F32)
    step = np.where(x > 0, 1.0, 0.0)
    assert step.error.tolist() == [1.0, 0.0]
    assert step.accepts([1.0, 1.0]).all()
    assert np.where(Doubtful([True], [True]), x[:1], 3).error[0] >= 3
    plain = np.where(exact([1.0], F32) > 0, np.array([2.0]), np.array([3.0]))
    assert isinstance(plain, np.ndarray)


def test_one_of_accepts_any_allowed_choice() -> None:
    x = exact(np.array([1.0, 2.0]), F32)
    choices = OneOf([np.zeros(2), x * 2], allowed=[[True, True], [True, False]])
    assert choices.accepts([2.0, 0.0]).all()
    assert choices.accepts([0.0, 4.0]).tolist() == [True, False]
    assert choices.describe((0,)) == "0.0, exactly or 2, exactly"
    assert choices.describe((1,)) == "0.0, exactly"
    assert choices.used([2.0, 4.0]).tolist() == [0, np.inf]
    assert not choices.free.any()
    assert OneOf(np.stack([x, x + 1])).accepts([2.0, 2.0]).all()
    assert OneOf([Exactly(["a", "b"]), np.array(["c", "d"])]).accepts(["c", "b"]).all()
    assert OneOf([x / 3, np.array(0.0)]).describe((1,)).endswith("0.0, exactly")
    nothing = OneOf([x], allowed=np.zeros((1, 2), dtype=bool))
    assert nothing.describe((0,)) == "nothing"


def test_exact_arrays_match_themselves() -> None:
    whole = Exactly(np.array([1, 2]))
    assert whole.accepts([1, 3]).tolist() == [True, False]
    assert whole.describe((1,)) == "2, exactly"
    assert Exactly(np.array([np.nan])).accepts([np.nan]).all()
    assert whole.used([1, 3]).tolist() == [0, np.inf]


MOVES = {
    "reshape": lambda x: np.reshape(x, (3, 4)),
    "transpose": lambda x: x.T,
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "flip": lambda x: np.flip(x, 1),
    "roll": lambda x: np.roll(x, 1, axis=0),
    "repeat": lambda x: np.repeat(x, 2, axis=1),
    "tile": lambda x: np.tile(x, (2, 1)),
    "take": lambda x: np.take(x, [2, 0], axis=1),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[0], [1], [0], [1]]), axis=1),
    "pad edge": lambda x: np.pad(x, 1, mode="edge"),
    "pad reflect": lambda x: np.pad(x, 1, mode="reflect"),
    "pad constant": lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=7),
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)),
    "concatenate": lambda x: np.concatenate([x, np.zeros((1, 3)), x]),
    "stack": lambda x: np.stack([x, x], axis=1),
    "split": lambda x: np.split(x, 2)[1],
    "broadcast": lambda x: np.broadcast_to(x[:, :, None], (4, 3, 2)),
    "fancy": lambda x: x[[0, 2], 1:],
    "mask": lambda x: x[np.arange(12).reshape(4, 3) % 2 == 0],
    "expand": lambda x: np.squeeze(np.expand_dims(x, 1), 1),
    "sort": lambda x: np.sort(x, axis=0),
    "max": lambda x: x.max(axis=1, keepdims=True),
    "zeros": lambda x: np.zeros_like(x) + np.full_like(x, 3.0),
}


@pytest.mark.parametrize("name", MOVES)
def test_moves_are_those_of_plain_arrays(name: str) -> None:
    plain = np.arange(12.0).reshape(4, 3) * 0.1
    error = np.arange(12.0).reshape(4, 3) * 1e-3
    moved = MOVES[name](Bounded(plain, error, F32))
    assert np.array_equal(moved.value, MOVES[name](plain))
    if name not in ("pad constant", "concatenate", "zeros"):
        assert np.allclose(moved.error, MOVES[name](error), rtol=1e-12)
    assert not np.isnan(moved.error).any()


def test_functions_run_on_plain_arrays_too() -> None:
    x = np.array([0.5, 1.0])
    assert erf(x)[1] == pytest.approx(0.8427007929497149)
    assert contract("i,i->", x, x, 1.0) == 2.25
    assert add_at((2,), np.array([1, 1]), x).tolist() == [0.0, 1.5]
    assert add_at((2,), np.array([1, 1]), exact(x, F32)).value.tolist() == [0.0, 1.5]


def test_what_has_no_rule_is_refused() -> None:
    x = Bounded([1.0, 2.0], [0.1, 0.1], F32)
    for wrong in (lambda: np.cross(x, x), lambda: x.astype(int), lambda: bool(x), lambda: np.argmax(x), lambda: np.arctan2(x, x)):
        with pytest.raises(TypeError):
            wrong()
    assert np.argmax(exact([1.0, 3.0, 3.0], F32)) == 1
