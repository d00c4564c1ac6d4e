"""The oracles of normalisation against the formula summed in plain Python, exact fractions, and differences."""

from __future__ import annotations

import itertools
import math
import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from oracles.layer_normalization import group_norm, group_norm_gradient, layer_norm, layer_norm_gradient, rms_norm, rms_norm_gradient
from oracles.local_response import local_response_norm, local_response_norm_gradient
from oracles.normalization import batch_norm, batch_norm_gradient, instance_norm, instance_norm_gradient

EPS = 0.25


def data(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-6, 7, shape).astype(float)


def every(oracle: Any) -> list[Any]:
    """The oracle and its other formulations."""
    return [oracle, *getattr(oracle, "formulations", ())]


def normalised(numbers: list[float], at: int) -> float:
    """One of some numbers, normalised by exact fractions."""
    exact = [Fraction(number) for number in numbers]
    mean, variance = sum(exact) / len(exact), statistics.pvariance(exact)
    return float(exact[at] - mean) / math.sqrt(variance + Fraction(EPS))


@pytest.mark.parametrize("sides", [(), (3,), (2, 2), (2, 1, 2)])
def test_batch_norm_in_training(sides: tuple[int, ...]) -> None:
    x, weight, bias, mean, var = data(0, 6, 2, *sides), data(1, 2), data(2, 2), data(3, 2), abs(data(4, 2))
    observed = {"running_mean": np.array([mean + 1, mean]), "running_var": np.array([var + 1, var])}
    options = {"eps": EPS, "momentum": 0.25, "training": True, "batches": 2, "observed": observed}
    for oracle in every(batch_norm):
        found = oracle(x, weight, bias, mean, var, **options)
        for channel, batch in itertools.product(range(2), range(2)):
            numbers = x[3 * batch : 3 * batch + 3, channel].ravel().tolist()
            wanted = [normalised(numbers, i) * weight[channel] + bias[channel] for i in range(len(numbers))]
            np.testing.assert_allclose(found["output"][3 * batch : 3 * batch + 3, channel].ravel(), wanted)
            for name, start, statistic in (("mean", mean, statistics.fmean), ("var", var, statistics.variance)):
                before = start[channel] + batch
                np.testing.assert_allclose(found[f"running_{name}"][batch, channel], 0.75 * before + 0.25 * statistic(numbers))
        assert found["num_batches_tracked"].accepts(np.array([1, 2])).all()


def test_without_momentum_running_statistics_are_the_mean_of_all_batches() -> None:
    x, start = data(0, 6, 1), np.array([100.0])
    means = [x[2 * i : 2 * i + 2].mean() for i in range(3)]
    path = np.array([[np.mean(means[: i + 1])] for i in range(3)])
    observed = {"running_mean": path, "running_var": path}
    found = batch_norm(x, None, None, start, start, eps=EPS, momentum=None, training=True, batches=3, observed=observed)
    np.testing.assert_allclose(found["running_mean"], path)


@pytest.mark.parametrize(("oracle", "options"), [(batch_norm, {}), (instance_norm, {"rank": 1})])
def test_evaluation_uses_running_statistics(oracle: Any, options: dict[str, Any]) -> None:
    x, mean, var = data(0, 3, 2, 2), data(1, 2), abs(data(2, 2))
    observed = {"running_mean": mean[None], "running_var": var[None]}
    for formulation in every(oracle):
        found = formulation(x, None, None, mean, var, eps=EPS, momentum=0.5, training=False, observed=observed, **options)
        for at in np.ndindex(x.shape):
            np.testing.assert_allclose(found["output"][at], (x[at] - mean[at[1]]) / math.sqrt(var[at[1]] + EPS))
        np.testing.assert_array_equal(found["running_mean"], mean[None])


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("sides", [(4,), (2, 3), (2, 1, 3)])
def test_instance_norm_goes_image_by_image(sides: tuple[int, ...], batched: bool) -> None:
    x, weight, bias, mean = data(0, 2, 3, *sides), data(1, 3), data(2, 3), data(3, 3)
    x = x if batched else x[0]
    observed = {"running_mean": mean[None], "running_var": mean[None]}
    options = {"eps": EPS, "momentum": 0.25, "training": True, "rank": len(sides), "observed": observed}
    for oracle in every(instance_norm):
        found = oracle(x, weight, bias, mean, mean, **options)
        images, outputs = (a.reshape(-1, 3, math.prod(sides)) for a in (x, found["output"]))
        for image, channel in np.ndindex(images.shape[:2]):
            numbers = images[image, channel].tolist()
            wanted = [normalised(numbers, i) * weight[channel] + bias[channel] for i in range(len(numbers))]
            np.testing.assert_allclose(outputs[image, channel], wanted)
        for name, statistic in (("running_mean", statistics.fmean), ("running_var", statistics.variance)):
            now = [statistics.fmean(statistic(image[channel].tolist()) for image in images) for channel in range(3)]
            np.testing.assert_allclose(found[name][0], 0.75 * mean + 0.25 * np.array(now))


@pytest.mark.parametrize("normalized_shape", [4, (4,), (3, 4), (2, 3, 4)])
def test_layer_norm_and_rms_norm_go_over_the_last_axes(normalized_shape: Any) -> None:
    x = data(0, 2, 3, 4)
    sides = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    weight, bias, rows = data(1, *sides), data(2, *sides), x.reshape(-1, math.prod(sides))
    layers = [oracle(x, weight, bias, normalized_shape=normalized_shape, eps=EPS).reshape(rows.shape) for oracle in every(layer_norm)]
    means = rms_norm(x, weight, normalized_shape=normalized_shape, eps=EPS).reshape(rows.shape)
    for row, at in np.ndindex(rows.shape):
        factor, shift, number = weight.ravel()[at], bias.ravel()[at], rows[row, at]
        for found in layers:
            np.testing.assert_allclose(found[row, at], normalised(rows[row].tolist(), at) * factor + shift)
        power = math.fsum(other**2 for other in rows[row]) / len(rows[row])
        np.testing.assert_allclose(means[row, at], number / math.sqrt(EPS + power) * factor)


def test_rms_norm_has_the_epsilon_of_the_machine() -> None:
    assert rms_norm(np.array([1e-8]), normalized_shape=1, eps=None)[0] == 1e-8 / math.sqrt(1e-16 + np.finfo(float).eps)


@pytest.mark.parametrize("num_groups", [1, 2, 4])
@pytest.mark.parametrize("sides", [(), (2,), (2, 3)])
def test_group_norm_goes_group_by_group(num_groups: int, sides: tuple[int, ...]) -> None:
    x, weight, bias = data(0, 3, 4, *sides), data(1, 4), data(2, 4)
    width = 4 // num_groups
    for oracle in every(group_norm):
        y = oracle(x, weight, bias, num_groups=num_groups, eps=EPS)
        for image, group in itertools.product(range(3), range(num_groups)):
            channels = slice(width * group, width * group + width)
            numbers = x[image, channels].ravel().tolist()
            factors = np.repeat(weight[channels], math.prod(sides)), np.repeat(bias[channels], math.prod(sides))
            wanted = [normalised(numbers, i) * factors[0][i] + factors[1][i] for i in range(len(numbers))]
            np.testing.assert_allclose(y[image, channels].ravel(), wanted)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_local_response_norm_sums_over_neighbours(size: int) -> None:
    x = data(0, 2, 4, 3)
    for oracle in every(local_response_norm):
        y = oracle(x, size=size, alpha=0.5, beta=0.75, k=2.0)
        for n, c, i in np.ndindex(x.shape):
            total = sum(x[n, other, i] ** 2 for other in range(4) if c - size / 2 <= other <= c + size / 2)
            np.testing.assert_allclose(y[n, c, i], x[n, c, i] * (2.0 + 0.5 / size * total) ** -0.75)


GRADIENTS: list[tuple[Any, Any, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    (batch_norm, batch_norm_gradient, (4, 2, 3), (2,), {"momentum": 0.5, "training": True, "batches": 2}),
    (instance_norm, instance_norm_gradient, (4, 2, 3), (2,), {"momentum": 0.5, "training": True, "batches": 2, "rank": 1}),
    (layer_norm, layer_norm_gradient, (2, 2, 3), (2, 3), {"normalized_shape": (2, 3)}),
    (group_norm, group_norm_gradient, (2, 4, 3), (4,), {"num_groups": 2}),
    (rms_norm, rms_norm_gradient, (2, 2, 3), (2, 3), {"normalized_shape": (2, 3)}),
]


@pytest.mark.parametrize(("function", "gradient", "sides", "weights", "options"), GRADIENTS, ids=lambda v: getattr(v, "__name__", ""))
def test_gradients_are_differences(function: Any, gradient: Any, sides: Any, weights: Any, options: Any) -> None:
    rng = np.random.default_rng(7)
    arrays = {"x": rng.standard_normal(sides), "weight": rng.standard_normal(weights), "bias": rng.standard_normal(weights)}
    if function is rms_norm:
        del arrays["bias"]
    dy = rng.standard_normal(sides)
    for formulation in every(gradient):
        found = formulation(dy, **arrays, eps=EPS, **options)
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            for at in np.ndindex(array.shape):
                np.testing.assert_allclose(found[name][at], difference(function, dy, arrays, name, at, eps=EPS, **options), atol=1e-8)


@pytest.mark.parametrize("beta", [0.75, 0.0, 2.0])
def test_the_gradient_of_local_response_norm_is_a_difference(beta: float) -> None:
    rng = np.random.default_rng(8)
    arrays, dy = {"x": rng.standard_normal((2, 4, 2))}, rng.standard_normal((2, 4, 2))
    options = {"size": 3, "alpha": 0.7, "beta": beta, "k": 1.5}
    for formulation in every(local_response_norm_gradient):
        found = formulation(dy, **arrays, **options)["x"]
        for at in np.ndindex(found.shape):
            np.testing.assert_allclose(found[at], difference(local_response_norm, dy, arrays, "x", at, **options), atol=1e-8)


def difference(function: Any, dy: np.ndarray, arrays: dict[str, np.ndarray], name: str, at: Any, **options: Any) -> float:
    """The central difference of Σ dy·y by one element."""
    step, sums = 1e-5, []
    for sign in (1, -1):
        moved = arrays[name].copy()
        moved[at] += sign * step
        results = function(**{**arrays, name: moved}, **options)
        sums.append(np.sum(dy * (results["output"] if isinstance(results, dict) else results)))
    return float((sums[0] - sums[1]) / (2 * step))
