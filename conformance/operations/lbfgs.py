"""L-BFGS on quadratic functions of a few variables."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.operations.optimizer import one_of_each
from conformance.strategies import data_of
from oracles.bounded import FORMATS
from oracles.lbfgs import lbfgs


def call_lbfgs(
    x: Any,
    matrix: Any,
    vector: Any,
    *,
    steps: Any,
    lr: Any,
    history_size: Any,
    tolerance_grad: Any,
    split: Any,
    resume_at: Any,
    line_search_fn: Any = None,
    max_iter: Any = 1,
) -> Any:
    """The point after each step, the gradient before it, and the direction and the rate of its last iteration."""
    parts = [torch.nn.Parameter(part.clone()) for part in (x[:split], x[split:]) if part.numel()]

    def point() -> Any:
        return torch.cat([part.detach() for part in parts])

    def optimizer_of() -> Any:
        limits = {"max_iter": max_iter, "max_eval": 25 * max_iter, "tolerance_grad": tolerance_grad, "tolerance_change": 0.0}
        return torch.optim.LBFGS(parts, lr=lr, history_size=history_size, line_search_fn=line_search_fn, **limits)

    seen: list[Any] = []

    def closure() -> Any:
        g = matrix @ point() - vector
        seen.append(g)
        for part, slope in zip(parts, g.split([part.numel() for part in parts])):  # noqa: B905 — as many as there are parts
            part.grad = slope
        return point() @ (matrix @ point()) / 2 - vector @ point()

    optimizer, results = optimizer_of(), {"x": [], "gradient": [], "direction": [], "rate": []}
    for k in range(steps):
        if k == resume_at:
            state = optimizer.state_dict()
            optimizer = optimizer_of()
            optimizer.load_state_dict(state)
        seen.clear()
        optimizer.step(closure)
        state = optimizer.state[parts[0]]
        results["x"].append(point())
        results["gradient"].append(seen[0])
        results["direction"].append(state["d"].clone() if "d" in state else torch.zeros_like(x))
        results["rate"].append(torch.tensor(float(state["t"]) if "t" in state else 0.0, dtype=torch.float64))
    return {name: torch.stack(path) for name, path in results.items()}


def shape(x: Shape, matrix: Shape, vector: Shape, *, steps: int, **options: Any) -> dict[str, Shape]:
    """A row for each step."""
    return {**dict.fromkeys(("x", "gradient", "direction"), (steps, *x)), "rate": (steps,)}


WAYS = one_of_each(
    {
        "lr": (0.5, 1.0, 0.125, 0.1),
        "history_size": (3, 1, 2, 100),
        "tolerance_grad": (1e-7, 0.0, 1.0),
        "steps": (3, 1, 2, 4),
        "split": (1, 0, 2),
    }
)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to four steps in up to four variables, on a convex function: A = MᵀM + 1, so that it is exact for small integers."""
    data, n, ways = draw(data_of(dtype, ("integers", "normal", "constant", "special"))), draw(st.integers(1, 4)), draw(WAYS)
    m = np.clip(data.array("m", n, n, regime="normal" if data.regime == "special" else None).astype(float), -2, 2)
    a = m.T @ m + np.eye(n)
    arrays = {
        "x": data.array("x", n),
        "matrix": (np.triu(a) + np.triu(a, 1).T).astype(data.array("x", n).dtype),
        "vector": data.array("b", n),
    }
    return data.case(arrays, **ways, resume_at=draw(st.one_of(st.none(), st.integers(0, ways["steps"] - 1))))


def several_at_once(trial: Trial, case: Case) -> None:
    """Steps of one iteration each go where one step of as many goes."""
    case = case.but(resume_at=None, tolerance_grad=0.0)
    one_by_one = trial.run(case)["x"][-1]
    at_once = trial.run(case.with_options(max_iter=case.options["steps"]).but(steps=1))["x"][-1]
    assert_same(at_once, one_by_one, f"{case.options['steps']} iterations at once are not as many steps")


def searches_along_the_line(trial: Trial, case: Case) -> None:
    """With strong_wolfe no step goes up, and the slope along the line falls to 9/10: both up to the rounding of f and of its slope."""
    if case.regime == "special" or case.dtype not in ("float32", "float64"):
        return
    case = case.but(resume_at=None, steps=2, lr=1.0, tolerance_grad=0.0).with_options(line_search_fn="strong_wolfe")
    a, b, x = (np.asarray(case.arrays[name], float) for name in ("matrix", "vector", "x"))
    results = {name: path.astype(float) for name, path in trial.run(case).items()}
    for after, d in zip(results["x"], results["direction"], strict=True):
        size = np.maximum(np.abs(x), np.abs(after)) + np.abs(after - x)
        unit = 16 * len(x) * FORMATS[case.dtype].unit
        values, slopes = [p @ a @ p / 2 - b @ p for p in (x, after)], [(a @ p - b) @ d for p in (x, after)]
        if values[1] > values[0] + unit * (size @ np.abs(a) @ size + np.abs(b) @ size):
            raise Disagreement(f"a step goes up, from {values[0]} to {values[1]}", result="x")
        if abs(slopes[1]) > 0.9 * abs(slopes[0]) + unit * (np.abs(a) @ size + np.abs(b)) @ np.abs(d):
            raise Disagreement(f"a step leaves the slope {slopes[1]} of {slopes[0]}", result="x")
        x = after


def with_another_search(case: Case) -> Case:
    """A slope to search along, and a search that does not exist."""
    far = np.full_like(np.asarray(case.arrays["vector"]), 10000)
    return case.but(vector=far, tolerance_grad=0.0).with_options(line_search_fn="weak_wolfe")


LBFGS = Operation(
    name="torch.optim.LBFGS",
    call=call_lbfgs,
    oracle=lbfgs,
    cases=cases,
    shape=shape,
    state="resume_at",
    follows_subject=True,
    abstract=False,
    result_dtypes={"rate": "float64"},
    rejects={
        "lr must not be negative": lambda case: case.but(lr=-0.1),
        "line_search_fn must be strong_wolfe": with_another_search,
    },
    laws=(
        Law("several iterations at once are as many steps", several_at_once),
        Law("strong_wolfe searches along the line", searches_along_the_line),
    ),
    share=0.6,
    dtypes=FLOATS,
)


OPERATIONS = (LBFGS,)
