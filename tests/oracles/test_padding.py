"""The padding oracle against numpy.pad and slices, scipy.ndimage's borders, and its gradient against the adjoint identity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oracles.bounded import exact, ieee
from oracles.padding import margins, pad, pad_gradient

NUMPY = {"Constant": "constant", "Zero": "constant", "Reflection": "reflect", "Replication": "edge", "Circular": "wrap"}


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any]]:
    """An image of small integers and margins of either sign, of one sign along an axis, for one to three axes."""
    rank, mode = draw(st.integers(1, 3)), draw(st.sampled_from(sorted(NUMPY)))
    sides = [draw(st.integers(3, 5)) for _ in range(rank)]
    pairs = [draw(st.sampled_from(((0, 2), (2, 1), (1, 0), (-1, -1), (0, -1)))) for _ in range(rank)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-8, 9, (*draw(st.sampled_from(((2,), (1, 2), (0, 2)))), *sides)).astype(float)
    options = {"value": 3.5} if mode == "Constant" else {}
    return x, {"padding": tuple(m for pair in pairs[::-1] for m in pair), "mode": mode, "rank": rank, **options}


def by_numpy(x: np.ndarray, padding: Any, mode: str, rank: int, value: float = 0.0) -> np.ndarray:
    """Positive margins by numpy.pad, negative ones by slices."""
    pairs = ((0, 0),) * (x.ndim - rank) + tuple(zip(padding[::2], padding[1::2], strict=True))[::-1]
    how = {"constant_values": value} if NUMPY[mode] == "constant" else {}
    padded = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in pairs], NUMPY[mode], **how)  # type: ignore[call-overload]
    return np.asarray(padded[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, padded.shape, strict=True))])


@settings(max_examples=100, deadline=None)
@given(calls())
def test_padding_is_numpys_and_its_gradient_the_adjoint(call: tuple[np.ndarray, dict[str, Any]]) -> None:
    x, options = call
    y = by_numpy(x, **options)
    assert pad(x, **options).accepts(y).all()
    by = ieee("float32")
    assert pad(exact(x, by), **options).accepts(y).all()
    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(float)
    dx = pad_gradient(exact(dy, by), x, **options)["x"].value
    linear = y - by_numpy(np.zeros(x.shape), **options)
    assert np.sum(dx * x) == np.sum(dy * linear)
    assert np.sum(dx) == np.sum(dy * (by_numpy(np.ones(x.shape), **options) - by_numpy(np.zeros(x.shape), **options)))


@pytest.mark.parametrize(("mode", "border"), [("Reflection", "mirror"), ("Replication", "nearest"), ("Circular", "grid-wrap")])
def test_the_margin_is_what_scipy_sees_beyond_the_border(mode: str, border: str) -> None:
    x = np.random.default_rng(0).standard_normal((4, 5))
    shifted = ndimage.shift(x, (2, 0), order=0, mode=border)
    assert pad(x[None], padding=(0, 0, 2, 0), mode=mode, rank=2).accepts(np.concatenate([shifted[:2], x])[None]).all()


def test_integers_keep_their_dtype_and_all_of_their_digits() -> None:
    x = np.array([[2**62 + 1, -(2**62) - 1]])
    found = pad(x, padding=1, mode="Constant", rank=1, value=7).value
    assert found.dtype == x.dtype
    assert found.tolist() == [[7, 2**62 + 1, -(2**62) - 1, 7]]


def test_a_tuple_counts_from_the_last_axis() -> None:
    assert margins((1, 2, 3, 4), 2) == ((3, 4), (1, 2))
    assert margins(5, 2) == ((5, 5), (5, 5))
