"""Averages of a model along its path."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import FLOAT_REGIMES, data_of, side
from oracles import averaging as oracles

# The call.


def average_of(model: Any, averaging: Any, decay: Any, use_buffers: Any) -> Any:
    """A model that averages another one."""
    tools = torch.optim.swa_utils
    functions: dict[str, Any] = {
        "default": dict,
        "swa": lambda: {"avg_fn": tools.get_swa_avg_fn()},
        "swa_multi": lambda: {"multi_avg_fn": tools.get_swa_multi_avg_fn()},
        "ema": lambda: {"avg_fn": tools.get_ema_avg_fn(decay)},
        "ema_multi": lambda: {"multi_avg_fn": tools.get_ema_multi_avg_fn(decay)},
        "both": lambda: {"avg_fn": tools.get_swa_avg_fn(), "multi_avg_fn": tools.get_swa_multi_avg_fn()},
    }
    return tools.AveragedModel(model, use_buffers=use_buffers, **functions[averaging]())


def averaged_model(weights: Any, buffers: Any, counter: Any, resume_at: Any, **options: Any) -> Any:
    """The averages after each update; before update `resume_at` they are saved and loaded into a new model."""
    model = torch.nn.Module()
    model.register_parameter("weights", torch.nn.Parameter(weights[0], requires_grad=False))
    model.register_buffer("buffers_", buffers[0])
    if counter is not None:
        model.register_buffer("counter", counter[0])
    average, seen = average_of(model, **options), []
    for t in range(len(weights)):
        if t == resume_at:
            state = average.state_dict()
            average = average_of(model, **options)
            average.load_state_dict(state)
        model.weights.data, model.buffers_ = weights[t], buffers[t]
        if counter is not None:
            model.counter = counter[t]
        average.update_parameters(model)
        seen.append([average.module.weights, average.module.buffers_, average.module.counter if counter is not None else None])
        seen[-1] = [None if tensor is None else tensor.detach().clone() for tensor in (*seen[-1], average.n_averaged)]
    named = zip(("weights", "buffers", "counter", "n_averaged"), zip(*seen, strict=True), strict=True)
    return {name: torch.stack(path) for name, path in named if path[0] is not None}


def shape(weights: Shape, buffers: Shape, counter: Shape | None, **options: Any) -> dict[str, Shape]:
    """The path of each tensor."""
    own = {"weights": weights, "buffers": buffers, "n_averaged": weights[:1]}
    return own if counter is None else {**own, "counter": counter}


# The cases.

SIDES = st.one_of(st.tuples(side(0, 6)), st.tuples(st.integers(1, 4), side(1, 6)), st.tuples(*[st.integers(1, 3)] * 3), st.just(()))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to six updates of weights and buffers of any shape."""
    data, updates = draw(data_of(dtype, (*FLOAT_REGIMES, *["special"] * 6))), draw(st.integers(1, 6))
    counter = np.cumsum(data.rng("counter").integers(0, 9, updates)) if draw(st.booleans()) else None
    return data.case(
        {
            "weights": data.array("weights", updates, *draw(SIDES)),
            "buffers": data.array("buffers", updates, *draw(SIDES)),
            "counter": counter,
        },
        averaging=draw(st.sampled_from(("default", "swa", "swa_multi", "ema", "ema_multi"))),
        decay=draw(st.sampled_from((0.5, 0.9, 0.999, 0.0, 1.0))),
        use_buffers=draw(st.booleans()),
        resume_at=draw(st.one_of(st.none(), st.integers(0, updates - 1))),
    )


# The laws.


def plain(case: Case, **changes: Any) -> Case:
    """The case in small integers, from the start."""
    whole = {
        name: np.rint(np.clip(np.nan_to_num(array.astype(float)), -9, 9)).astype(array.dtype) for name, array in floating(case).items()
    }
    return case.but(resume_at=None, **whole, **changes)


def floating(case: Case) -> dict[str, np.ndarray]:
    """Weights and buffers."""
    return {name: array for name, array in case.arrays.items() if array is not None and name != "counter"}


def two_have_their_mean(trial: Trial, case: Case) -> None:
    """After two updates the average is (a + b)/2, exactly on small integers."""
    case = plain(case)
    weights = case.arrays["weights"]
    assert weights is not None
    if len(weights) > 1 and not case.options["averaging"].startswith("ema"):
        mean = ((weights[0].astype(float) + weights[1].astype(float)) / 2).astype(weights.dtype)
        assert_same(trial.run(case)["weights"][1], mean, "the average of two models is not their mean")


def ends_of_decay(trial: Trial, case: Case) -> None:
    """decay 1 keeps the first model, decay 0 follows the last."""
    for averaging in ("ema", "ema_multi"):
        for decay in (0.0, 1.0):
            other = plain(case, averaging=averaging, decay=decay)
            weights = other.arrays["weights"]
            assert weights is not None
            wanted = weights if decay == 0 else weights[:1].repeat(len(weights), axis=0)
            assert_same(trial.run(other)["weights"], wanted, f"with {averaging} and decay {decay} the average is another model")


def constant_weights_stay(trial: Trial, case: Case) -> None:
    """The equally weighted average of equal models is that model."""
    case = plain(case)
    weights = case.arrays["weights"]
    assert weights is not None
    if not case.options["averaging"].startswith("ema"):
        same = weights[:1].repeat(len(weights), axis=0)
        assert_same(trial.run(case.but(weights=same))["weights"], same, "the average of equal models is another")


AveragedModel = Operation(
    name="torch.optim.swa_utils.AveragedModel",
    call=averaged_model,
    oracle=oracles.averaged_model,
    cases=cases,
    shape=shape,
    state="resume_at",
    abstract=False,
    follows_subject=True,
    plain=("counter",),
    result_dtypes={"counter": "int64", "n_averaged": "int64"},
    rejects={
        "one averaging function excludes the other": lambda case: case.but(averaging="both"),
        "decay must not exceed 1": lambda case: case.but(averaging="ema", decay=1.5),
        "decay must not be negative": lambda case: case.but(averaging="ema_multi", decay=-0.1),
    },
    laws=(
        Law("two models have their mean", two_have_their_mean),
        Law("the ends of decay are the first and the last model", ends_of_decay),
        Law("equal models have that average", constant_weights_stay),
    ),
    dtypes=FLOATS,
)

OPERATIONS = (AveragedModel,)
