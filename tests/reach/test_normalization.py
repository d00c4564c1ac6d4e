"""The strategies of normalisation and dropout reach the classes of input that real bugs needed (by counting over draws)."""

from __future__ import annotations

import functools

import hypothesis
import numpy as np
import pytest

from conformance.operations import all_operations

OPERATIONS = {operation.id: operation for operation in all_operations()}
BATCH = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
INSTANCE = ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
LAYER = ("LayerNorm", "GroupNorm", "RMSNorm")
CHANNELS = ("Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout")
RESPONSE = ("LocalResponseNorm", "CrossMapLRN2d")


@functools.cache
def drawn(name):
    """Cases of an operation's strategy."""
    cases = []

    @hypothesis.settings(max_examples=500, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.seed(0)
    @hypothesis.given(OPERATIONS[name].cases("float32"))
    def draw(case):
        cases.append(case)

    draw()
    return cases


def reached(name, condition):
    """Whether the operation's strategy draws a case of which the condition holds."""
    return any(condition(case) for case in drawn(name))


@pytest.mark.parametrize("name", [*BATCH, *INSTANCE, *LAYER, *RESPONSE])
def test_one_nan_among_ordinary_numbers(name):
    assert reached(name, lambda case: np.count_nonzero(np.isnan(case.arrays["x"])) == 1 < case.arrays["x"].size)


@pytest.mark.parametrize("name", [*BATCH, *INSTANCE, *LAYER, *RESPONSE])
def test_a_mean_that_is_large_beside_the_deviations(name):
    assert reached(name, lambda case: case.regime == "normal" and case.arrays["x"].size > 2 and case.arrays["x"].mean() > 200)


@pytest.mark.parametrize("name", [*BATCH, *INSTANCE, *LAYER, *RESPONSE, *CHANNELS, "Dropout", "AlphaDropout"])
def test_empty_batches(name):
    assert reached(name, lambda case: case.arrays["x"].ndim and len(case.arrays["x"]) == 0)


@pytest.mark.parametrize("name", [*BATCH, *INSTANCE])
def test_empty_images(name):
    assert reached(name, lambda case: len(case.arrays["x"]) and case.arrays["x"].size == 0)


@pytest.mark.parametrize("name", [*BATCH, *INSTANCE, *LAYER, *RESPONSE])
def test_sides_around_the_width_of_a_vector(name):
    assert reached(name, lambda case: {8, 9, 15, 16, 17} & set(case.arrays["x"].shape))


@pytest.mark.parametrize("name", BATCH)
def test_evaluation_of_a_single_value_without_momentum(name):
    assert reached(name, lambda case: not case.options["training"] and case.options["momentum"] is None)


@pytest.mark.parametrize("name", [*BATCH, *INSTANCE])
def test_statistics_saved_between_batches(name):
    assert reached(name, lambda case: case.options["resume_at"] == 1 and case.options["training"])


@pytest.mark.parametrize("name", INSTANCE)
def test_images_without_a_batch(name):
    assert reached(name, lambda case: case.arrays["x"].ndim == int(name[-2]) + 1)


@pytest.mark.parametrize("name", ["Dropout1d", "Dropout3d", "FeatureAlphaDropout"])
def test_channels_without_a_batch(name):
    assert reached(name, lambda case: case.arrays["x"].ndim == (2 if name == "Dropout1d" else 4) and case.options["training"])


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_to_count(name):
    assert reached(name, lambda case: case.arrays["x"].size > 1000 and case.options["training"] and 0 < case.options["p"] < 1)
