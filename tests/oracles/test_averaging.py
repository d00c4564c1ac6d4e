"""Averages of models against the sum over all models, in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from oracles.averaging import averaged_model
from oracles.bounded import exact, ieee

WEIGHTS = np.random.default_rng(1).standard_normal((6, 3))
BUFFERS = np.random.default_rng(2).standard_normal((6, 2))
COUNTER = np.array([1, 2, 9, 10, 30, 31])


def exactly(path, averaging, decay):
    """The averages after each update: equal weights, or decay^k (1 − decay) and decay^t for the first."""
    rows = []
    for t in range(len(path)):
        if averaging == "swa":
            shares = [Fraction(1, t + 1)] * (t + 1)
        else:
            d = Fraction(decay)
            shares = [d**t] + [d ** (t - k) * (1 - d) for k in range(1, t + 1)]
        rows.append([sum(s * Fraction(float(path[k, i])) for k, s in enumerate(shares)) for i in range(path.shape[1])])
    return np.array(rows, float)


@pytest.mark.parametrize(("averaging", "decay"), [("swa", 0.5), ("ema", 0.9), ("ema", 0.5), ("ema", 0.0), ("ema", 1.0)])
@pytest.mark.parametrize("use_buffers", [True, False])
def test_averages(averaging, decay, use_buffers):
    by = ieee("float64")
    observed = {"weights": exactly(WEIGHTS, averaging, decay), "buffers": exactly(BUFFERS, averaging, decay), "counter": COUNTER}
    options = {"averaging": averaging, "decay": decay, "use_buffers": use_buffers, "resume_at": None, "observed": observed}
    result = averaged_model(exact(WEIGHTS, by), exact(BUFFERS, by), COUNTER, **options)
    wanted = observed["buffers"] if use_buffers else BUFFERS
    for name, path in (("weights", observed["weights"]), ("buffers", wanted)):
        near = np.abs(result[name].value - path) <= 4 * result[name].error + 2.0**-50 * np.abs(path)
        assert near.all(), name
        assert not result[name].accepts(path + 1e-9).any()
    assert result["n_averaged"].accepts(np.arange(1, 7)).all()


def test_a_buffer_of_integers_is_next_to_its_average():
    by, seen = ieee("float64"), np.array([1, 1, 4, 5, 10, 13])
    observed = {"weights": WEIGHTS, "buffers": BUFFERS, "counter": seen}
    options = {"averaging": "swa", "decay": 0.5, "use_buffers": True, "resume_at": None, "observed": observed}
    accepted = averaged_model(exact(WEIGHTS, by), exact(BUFFERS, by), COUNTER, **options)["counter"]
    for t in range(1, 6):
        mean = Fraction(int(seen[t - 1])) + Fraction(int(COUNTER[t] - seen[t - 1]), t + 1)
        allowed = {int(mean // 1), int(-(-mean // 1))}
        for candidate in range(40):
            trial = seen.copy()
            trial[t] = candidate
            assert accepted.accepts(trial)[t] == (candidate in allowed or (mean.denominator == 1 and abs(candidate - mean) <= 1))
