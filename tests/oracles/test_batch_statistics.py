"""Statistics over batches against NumPy's mean and variance of each batch."""

import numpy as np
import pytest

from oracles.batch_statistics import in_two_passes, one_after_the_other, update_bn
from oracles.bounded import exact, ieee


@pytest.mark.parametrize("moments", [in_two_passes, one_after_the_other])
def test_every_batch_counts_alike(moments):
    x = np.random.default_rng(3).standard_normal((4, 3, 2, 5))
    means, variances = x.mean(axis=(1, 3)), x.var(axis=(1, 3), ddof=1)
    counts = np.arange(1, 5)[:, None]
    observed = {"running_mean": np.cumsum(means, axis=0) / counts, "running_var": np.cumsum(variances, axis=0) / counts}
    options = {"momentum": 0.1, "training": False, "batch_as": "tensor", "observed": observed, "moments": moments}
    accepted = update_bn(exact(x, ieee("float64")), **options)
    for name, path in observed.items():
        assert accepted[name].accepts(path).all()
        assert not accepted[name].accepts(path + 1e-9).any()
    assert accepted["num_batches_tracked"].accepts(np.arange(1, 5)).all()
