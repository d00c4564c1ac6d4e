"""Batch normalisation's running statistics, taken anew in one pass over data."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import FINITE_REGIMES, data_of
from oracles.batch_statistics import update_bn as oracle


def update_bn(x: Any, momentum: Any, training: Any, batch_as: Any) -> Any:
    """The running statistics after each batch; the loader looks at them before it gives the next one."""
    layer = torch.nn.BatchNorm1d(x.shape[2], momentum=momentum, dtype=x.dtype)
    with torch.no_grad():
        layer(x[0] + 1)  # statistics of before, which must not count
    model = torch.nn.Sequential(layer).train(training)
    seen: list[Any] = []

    def look() -> None:
        seen.append([layer.running_mean.clone(), layer.running_var.clone(), layer.num_batches_tracked.clone()])

    def loader() -> Any:
        for t, batch in enumerate(x):
            if t:
                look()
            yield {"tensor": batch, "tuple": (batch, None), "list": [batch]}[batch_as]
        look()

    torch.optim.swa_utils.update_bn(loader(), model)
    paths = (torch.stack(path) for path in zip(*seen, strict=True))
    results = dict(zip(("running_mean", "running_var", "num_batches_tracked"), paths, strict=True))
    return {**results, "kept": torch.tensor([layer.momentum == momentum and model.training == training])}


def shape(x: Shape, **options: Any) -> dict[str, Shape]:
    """Statistics of every channel after every batch."""
    return {"running_mean": (x[0], x[2]), "running_var": (x[0], x[2]), "num_batches_tracked": x[:1], "kept": (1,)}


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to five batches of any channels, at least two values for each."""
    data = draw(data_of(dtype, FINITE_REGIMES))
    batches, n, channels, length = draw(st.integers(1, 5)), draw(st.integers(2, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return data.case(
        {"x": data.array("x", batches, n, channels, length)},
        momentum=draw(st.sampled_from((0.1, None, 0.5, 1.0))),
        training=draw(st.booleans()),
        batch_as=draw(st.sampled_from(("tensor", "tuple", "list"))),
    )


def momentum_does_not_matter(trial: Trial, case: Case) -> None:
    """Whatever the momentum and the mode are, the statistics are the same."""
    one, other = trial.run(case), trial.run(case.but(momentum=0.25, training=not case.options["training"], batch_as="tensor"))
    for name in ("running_mean", "running_var"):
        assert_same(other[name], one[name], f"{name} depends on the momentum, the mode or the kind of batch")


def equal_batches_have_their_mean(trial: Trial, case: Case) -> None:
    """Twice the same batch of small integers, two values for each channel, has the statistics of one, exactly."""
    x = case.arrays["x"]
    assert x is not None
    whole = np.rint(np.clip(x.astype(float), -9, 9)).astype(x.dtype)[:1, :2, :, :1]
    twice = trial.run(case.but(x=whole.repeat(2, axis=0)))
    assert_same(twice["running_mean"][1], twice["running_mean"][0], "twice the same batch has another mean")


UpdateBN = Operation(
    name="torch.optim.swa_utils.update_bn",
    call=update_bn,
    oracle=oracle,
    cases=cases,
    shape=shape,
    abstract=False,
    follows_subject=True,
    result_dtypes={"num_batches_tracked": "int64", "kept": "bool"},
    laws=(
        Law("neither momentum nor mode matters", momentum_does_not_matter),
        Law("equal batches have their mean", equal_batches_have_their_mean),
    ),
    dtypes=("float64", "float32"),
)

OPERATIONS = (UpdateBN,)
