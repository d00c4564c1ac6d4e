"""Gradients of normalisation beside overflow: what honest programs that multiply in another order leave is accepted, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import exact, ieee
from oracles.layer_normalization import group_norm_gradient
from oracles.normalization import batch_norm_gradient, instance_norm_gradient

SINGLE = np.float32
BY = ieee("float32")


def accepted(oracle: Any, name: str, dy: np.ndarray, arrays: dict[str, np.ndarray], found: np.ndarray, **options: Any) -> np.ndarray:
    """Which elements of one gradient some formulation accepts."""
    balls = {key: exact(array, BY) for key, array in arrays.items()}
    ways = (oracle, *oracle.formulations)
    return np.logical_or.reduce([way(exact(dy, BY), **balls, **options)[name].accepts(found) for way in ways])


def test_a_sum_may_be_divided_by_the_variance_before_it_is_divided_by_the_count():
    x, dy = np.array([[-0.5], [1.0]], SINGLE), np.array([[0.0], [-3.3e38]], SINGLE)
    options = {"eps": 1e-5, "momentum": 0.1, "training": True}
    mean, inverse = SINGLE(0.25), SINGLE(1) / np.sqrt(SINGLE(0.5625) + SINGLE(1e-5))
    with np.errstate(over="ignore"):
        share = np.sum(dy * (x - mean)) * inverse * inverse / SINGLE(2)
        dx = (dy - dy.mean() - (x - mean) * share) * inverse
    assert np.isinf(dx).all()
    assert accepted(batch_norm_gradient, "x", dy, {"x": x}, dx, **options).all()
    assert not accepted(batch_norm_gradient, "x", dy / SINGLE(8), {"x": x}, dx, **options).any()


def test_every_image_may_be_divided_by_the_running_deviation():
    x = np.array([[[1.0, 0.0]], [[-np.inf, 1.0]]], SINGLE)
    dy = np.array([[[-3e38, 1.0]], [[-1.0, 1.0]]], SINGLE)
    arrays = {"x": x, "weight": np.ones(1, SINGLE), "bias": np.ones(1, SINGLE)}
    arrays |= {"running_mean": np.zeros(1, SINGLE), "running_var": np.zeros(1, SINGLE)}
    options: dict[str, Any] = {"eps": 1e-5, "momentum": 0.1, "training": False, "rank": 1}
    for lost in (SINGLE(np.nan), SINGLE(np.inf)):
        assert accepted(instance_norm_gradient, "weight", dy, arrays, np.array([lost]), **options).all()
    moderate = np.array([[[-3.0, 1.0]], [[-1.0, 1.0]]], SINGLE)
    assert not accepted(instance_norm_gradient, "weight", moderate, arrays, np.array([SINGLE(np.nan)]), **options).any()


def test_a_channel_may_be_added_up_before_it_is_weighted_in_a_group():
    x = np.array([[[0.0, 1.0, 2.0, -0.5]]], SINGLE)
    dy = np.array([[[0.25, 1.0, -0.5, 0.125]]], SINGLE)
    arrays = {"x": x, "weight": np.array([-np.inf], SINGLE), "bias": np.zeros(1, SINGLE)}
    inverse = SINGLE(1) / np.sqrt(x.var() + SINGLE(1e-5))
    with np.errstate(invalid="ignore"):
        total, second = (z.sum() * -np.inf for z in (dy, dy * x))
        slope = (total * x.mean() - second) * inverse**3 / SINGLE(4)
        dx = -np.inf * inverse * dy + slope * x + (-slope * x.mean() - total * inverse / SINGLE(4))
    assert accepted(group_norm_gradient, "x", dy, arrays, dx.astype(SINGLE), num_groups=1, eps=1e-5).all()
