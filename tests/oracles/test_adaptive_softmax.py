"""Adaptive softmax against its definition, summed naively, and its gradient against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from oracles import adaptive_softmax

RNG = np.random.default_rng(11)
OPTIONS = {"cutoffs": (2, 4), "div_value": 2.0}
TARGET = np.array([0, 3, 5, 6, 1])


def arrays() -> dict[str, np.ndarray]:
    """Four classes of the head (two of them clusters), clusters of two and of three classes."""
    shapes = {"input": (5, 4), "head": (4, 4), "head_bias": (4,), "into1": (2, 4), "out1": (2, 2), "into2": (1, 4), "out2": (3, 1)}
    return {name: RNG.standard_normal(shape) for name, shape in shapes.items()}


def naive(a: dict[str, np.ndarray]) -> np.ndarray:
    """The logarithm of P(cluster) · P(class | cluster), example by example."""
    rows = []
    for x in a["input"]:
        first = special.softmax(a["head"] @ x + a["head_bias"])
        tails = [special.softmax(a[f"out{i}"] @ (a[f"into{i}"] @ x)) for i in (1, 2)]
        rows.append(np.log([*first[:2], *(first[2] * tails[0]), *(first[3] * tails[1])]))
    return np.array(rows)


def test_probabilities_are_products_of_shares():
    a = arrays()
    found, logs = adaptive_softmax.adaptive_log_softmax_with_loss(target=TARGET, **a, **OPTIONS), naive(a)
    np.testing.assert_allclose(found["log_prob"], logs, 1e-12)
    np.testing.assert_allclose(np.exp(found["log_prob"]).sum(axis=1), 1)
    np.testing.assert_allclose(found["output"], logs[np.arange(5), TARGET], 1e-12)
    np.testing.assert_allclose(found["loss"], -logs[np.arange(5), TARGET].mean(), 1e-12)
    assert found["predict"].accepts(logs.argmax(axis=1)).all()
    assert not found["predict"].accepts(logs.argmin(axis=1)).any()


@pytest.mark.parametrize(
    "gradient",
    [
        adaptive_softmax.adaptive_log_softmax_with_loss_gradient,
        *adaptive_softmax.adaptive_log_softmax_with_loss_gradient.formulations,  # type: ignore[attr-defined]
    ],
)
def test_the_gradient_is_a_quotient_of_differences(gradient):
    a, dy = arrays(), RNG.standard_normal(5)
    for name, slopes in gradient(dy, target=TARGET, **a, **OPTIONS).items():
        for index in np.ndindex(a[name].shape):
            step = np.zeros(a[name].shape)
            step[index] = 1e-6
            ends = [naive({**a, name: a[name] + s * step})[np.arange(5), TARGET] @ dy for s in (1, -1)]
            assert slopes[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=2e-5, abs=2e-7), (name, index)
