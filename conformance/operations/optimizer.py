"""What optimizers share: how they are called, their cases, shapes and refusals.

An optimizer is its recurrence in `oracles`, the strategies of its options, and a row that says which implementations it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, Shape, torch
from conformance.strategies import FLOAT_REGIMES, data_of, side
from oracles.optimizer import Recurrence

OWN = ("first", "second")
SCALES = 4.0  # where a gradient scaler begins: a power of two, so that scaling is exact
IMPLEMENTATIONS = {
    "default": {},
    "single": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
    "differentiable": {"differentiable": True},
    "foreach and fused": {"foreach": True, "fused": True},
    "differentiable and fused": {"differentiable": True, "fused": True},
}
LR_FORMS = {"tensor": (), "vector": (1,), "pair": (2,)}
ALONE = {f"{name}_{kept}": "float32" for name in OWN for kept in ("step", "eta", "mu", "mu_product")}

# The call.


def lr_of(lr: Any, form: str, like: Any) -> Any:
    """The rate as it is, or as a tensor of one element."""
    if form == "number":
        return lr
    return torch.full(LR_FORMS[form], lr, dtype=torch.float64 if like.dtype == torch.float64 else torch.float32, device=like.device)


def parameter_of(x: Any, numbers: str, implementation: str) -> Any:
    """A leaf, or the result of an operation where autograd is to go through the step; complex numbers from pairs of real ones."""
    x = torch.view_as_complex(x.contiguous()) if numbers == "complex" else x
    if not implementation.startswith("differentiable"):
        return torch.nn.Parameter(x)
    inner = x.requires_grad_().clone()
    inner.retain_grad()
    return inner


def gradient_of(g: Any, numbers: str, gradients: str) -> Any:
    """A gradient as it is, as one number that is seen from everywhere (in a storage as large as it looks), or by its rows."""
    if gradients in ("rows", "repeated"):
        rows = (g != 0).reshape(len(g), -1).any(dim=1).nonzero().reshape(1, -1)
        values = g[rows[0]]
        if gradients == "repeated":  # each row twice, as nothing the second time: they are to be added
            rows, values = torch.cat([rows, rows], dim=1), torch.cat([values, torch.zeros_like(values)])
        return torch.sparse_coo_tensor(rows, values, g.shape)
    if gradients == "expanded" and g.numel():
        storage = g.new_full((g.numel(),), 77)
        storage[0] = g.reshape(-1)[0]
        g = storage.as_strided(g.shape, (0,) * g.ndim)
    return torch.view_as_complex(g.contiguous()) if numbers == "complex" else g


def copied(x: Any) -> Any:
    """What a result is at this moment: pairs of real numbers for complex ones, float32 for a number that is no tensor."""
    if not torch.is_tensor(x):
        return torch.tensor(x, dtype=torch.float32)
    return (torch.view_as_real(x) if x.is_complex() else x).detach().clone()


def walk(
    name: Any,
    first: Any,
    second: Any,
    first_gradients: Any,
    second_gradients: Any,
    *,
    lr: Any,
    own: Any,
    missing: Any,
    skipped: Any,
    resume_at: Any,
    implementation: Any,
    lr_form: Any,
    numbers: Any,
    gradients: Any,
    **options: Any,
) -> Any:
    """The parameters and their state after each step (0 for what no step has made yet), and the gradients as they are left."""
    parameters = [parameter_of(x, numbers, implementation) for x in (first, second)]

    def optimizer_of() -> Any:
        groups = parameters
        if own is not None:
            of_its_own = {key: lr_of(value, lr_form, second) if key == "lr" else value for key, value in own}
            groups = [{"params": parameters[:1]}, {"params": parameters[1:], **of_its_own}]
        return getattr(torch.optim, name)(groups, lr=lr_of(lr, lr_form, first), **options, **IMPLEMENTATIONS[implementation])

    optimizer, seen, given = optimizer_of(), {}, {}
    scaler = None if skipped is None else torch.amp.GradScaler(first.device.type, init_scale=SCALES, growth_interval=1000)
    for t in range(len(first_gradients)):
        if t == resume_at:
            state = optimizer.state_dict()
            optimizer = optimizer_of()
            optimizer.load_state_dict(state)
        for key, parameter, slices, lacking in (
            ("first", parameters[0], first_gradients, ()),
            ("second", parameters[1], second_gradients, missing),
        ):
            g = gradient_of(slices[t], numbers, gradients)
            given.setdefault(key, []).append(g)
            if scaler:
                g = scaler.scale(torch.full_like(g, float("inf")) if t in skipped else g).to(g.dtype)
            parameter.grad = None if t in lacking else g
        if scaler:
            torch.use_deterministic_algorithms(True)  # memory that a step leaves as it was allocated is NaN then
            try:
                scaler.step(optimizer)
                scaler.update()
            finally:
                torch.use_deterministic_algorithms(False)
        else:
            optimizer.step()
        for key, parameter in (("first", parameters[0]), ("second", parameters[1])):
            seen.setdefault(key, {})[t] = copied(parameter)
            for part, value in optimizer.state.get(parameter, {}).items():
                if value is not None:
                    seen.setdefault(f"{key}_{part}", {})[t] = copied(value)
    results = {}
    for key, path in seen.items():
        absent = torch.zeros_like(next(iter(path.values())))
        results[key] = torch.stack([path.get(t, absent) for t in range(len(first_gradients))])
    left = {f"{key}_gradients": torch.stack([copied(g.to_dense() if g.is_sparse else g) for g in path]) for key, path in given.items()}
    return results if scaler else {**results, **left}


# The shape.


def shape_of(recurrence: Recurrence) -> Callable[..., Mapping[str, Shape]]:
    """Paths as long as the gradients: of the parameters, and of every state once it exists."""

    def shape(first: Shape, second: Shape, first_gradients: Shape, second_gradients: Shape, **options: Any) -> Mapping[str, Shape]:
        steps, shapes = first_gradients[0], {}
        for name, sides, lacking, settings in (("first", first, (), ()), ("second", second, options["missing"], options["own"] or ())):
            shapes[name] = (steps, *sides)
            if len({*lacking, *(options["skipped"] or ())}) < steps or recurrence.ready:
                initial = recurrence.start(sides, **{**options, **dict(settings)})
                shapes |= {f"{name}_{key}": (steps, *np.shape(value)) for key, value in initial.items()}
        return shapes

    return shape


# The cases.

SHAPES = st.one_of(
    st.tuples(side(1, 6)),
    st.tuples(st.integers(1, 4), side(1, 6)),
    st.tuples(*[st.integers(1, 3)] * 3),
    st.sampled_from(((), (0,), (2, 0))),
)
YES_OR_NO = (False, True)
RATES = (0.5, 0.1, 1.0, 0.01, 0.0, 1e-3)
SHARES = (0.0, 0.9, 0.5, 1.0, 0.99)
DECAYS = (0.0, 0.5, 0.01, 1e-4, 1.0, 0.0)
SMALL = (1e-8, 1e-3, 0.0, 1.0, 1e-10)
BETAS = ((0.9, 0.999), (0.5, 0.5), (0.0, 0.0), (0.75, 0.25), (0.0, 0.99), (0.9, 0.99))
REGIMES = (*FLOAT_REGIMES, "special")  # special values twice as often: they are lost in one implementation only
SCALED = ("integers", "normal", "constant", "cancelling")
SPREAD = 15485863  # a prime
Choices = Mapping[str, tuple[Any, ...]]


def one_of_each(choices: Choices) -> st.SearchStrategy[dict[str, Any]]:
    """A value for every name, in one draw; the first of each is the simplest.

    Hypothesis draws small numbers more often: they are spread over all choices by a factor that has no divisor in common with their number.
    """
    sizes = [len(values) for values in choices.values()]
    number = math.prod(sizes)

    def chosen(i: int) -> dict[str, Any]:
        digits = np.unravel_index(i * SPREAD % number, sizes)
        return {name: values[int(digit)] for (name, values), digit in zip(choices.items(), digits, strict=True)}

    return st.integers(0, number - 1).map(chosen)


def some_of(steps: int) -> tuple[tuple[int, ...], ...]:
    """Sets of steps: none, most often; the first, the last, both, those in between, all."""
    every = tuple(range(steps))
    return ((), (), (), (0,), every[-1:], every[1:-1], every)


WAYS = {
    steps: one_of_each(
        {
            "missing": some_of(steps),
            "skipped": (None, None, None, *some_of(steps)),
            "resume_at": (None, *range(steps)),
            "lr_form": ("number", "number", "tensor", "vector"),
            "numbers": ("real", "real", "real", "complex"),
            "gradients": ("plain", "plain", "plain", "expanded"),
            "grouped": YES_OR_NO,
        }
    )
    for steps in range(1, 5)
}


def cases_of(
    choices: Choices,
    implementations: tuple[str, ...],
    *,
    shapes: st.SearchStrategy[Shape] = SHAPES,
    as_complex: bool = True,
    lr_tensors: tuple[str, ...] = (),
    settled: Callable[[dict[str, Any]], dict[str, Any]] = lambda options: options,
    sparse: bool = False,
) -> Callable[[str], st.SearchStrategy[Case]]:
    """Up to four steps of two parameters: every option, in one group or in two.

    `lr_tensors` are the implementations that take the rate as a tensor; `settled` makes options agree that exclude each other; `sparse`
    gradients have rows.
    """
    settings, names = one_of_each(choices), tuple(choices)
    how, several = st.sampled_from(implementations), st.integers(0, 2 ** len(names) - 1)

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, steps, implementation = draw(data_of(dtype, REGIMES)), draw(st.integers(1, 4)), draw(how)
        options, ways = settled(draw(settings)), draw(WAYS[steps])
        own, other = None, draw(settings) if ways["grouped"] else {}
        if ways.pop("grouped"):
            chosen = draw(several)
            wanted = {name: other[name] for i, name in enumerate(names) if chosen >> i & 1}
            own = tuple((name, value) for name, value in wanted.items() if settled({**options, name: value}) == {**options, name: value})
        fused = implementation == "fused"
        if "fused" not in implementations or data.regime not in SCALED or (dtype == "float16" and not fused):
            ways["skipped"] = None
        if implementation not in lr_tensors:
            ways["lr_form"] = "number"
        plain = ways["skipped"] is not None
        if not as_complex or fused or plain or data.regime == "special" or dtype not in ("float32", "float64"):
            ways["numbers"] = "real"
        if plain or ways["numbers"] == "complex":
            ways["gradients"] = "plain"
        sides = {name: draw(shapes) for name in OWN}
        ways["skipped"] = ways["skipped"] if 0 not in sides["first"] else None  # an empty gradient is never infinite
        if ways["numbers"] == "complex":
            sides = {name: (*(max(1, n) for n in shape), 2) for name, shape in sides.items()}
        arrays = {name: data.array(name, *sides[name]) for name in OWN}
        along = {f"{name}_gradients": data.array(f"{name}_gradients", steps, *sides[name]) for name in OWN}
        if ways["gradients"] == "expanded" and not sparse:
            along = {name: as_one_number(g) for name, g in along.items()}
        if sparse:
            ways["gradients"] = "repeated" if ways["gradients"] == "expanded" else "rows"
            along = {name: with_empty_rows(g, data.rng(name + " rows")) for name, g in along.items()}
        return data.case({**arrays, **along}, **options, own=own, implementation=implementation, **ways)

    return drawn


def as_one_number(g: np.ndarray) -> np.ndarray:
    """Gradients that are one number each step."""
    flat = g.reshape(len(g), -1)
    return np.ascontiguousarray(np.broadcast_to(flat[:, :1], flat.shape)).reshape(g.shape)


def with_empty_rows(g: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gradients of which some rows are 0, here and there all of them."""
    g = g.copy()
    g[rng.random(g.shape[:2]) < rng.choice([0.0, 0.5, 1.0], (len(g), 1))] = 0
    return g


# What must be refused.


def rejects_of(*names: str, fused: bool = False, lr_tensors: bool = True) -> Mapping[str, Callable[[Case], Case | None]]:
    """Hyperparameters out of range, and implementations that exclude each other."""
    broken: dict[str, Callable[[Case], Case | None]] = {
        f"{name} must not be negative": lambda case, name=name: case.but(**{name: -0.1}) for name in ("lr", *names) if name != "betas"
    }
    if "betas" in names:
        broken |= {
            "the first beta must be below 1": lambda case: case.but(betas=(1.0, 0.5)),
            "the first beta must not be negative": lambda case: case.but(betas=(-0.1, 0.5)),
            "the second beta must be below 1": lambda case: case.but(betas=(0.5, 1.0)),
            "the second beta must not be negative": lambda case: case.but(betas=(0.5, -0.1)),
        }
    if lr_tensors:
        broken["lr must be one number"] = lambda case: case.but(lr_form="pair")
    if fused:
        broken["foreach and fused exclude each other"] = lambda case: case.but(implementation="foreach and fused", numbers="real")
        broken["differentiable and fused exclude each other"] = lambda case: case.but(
            implementation="differentiable and fused", numbers="real"
        )
    return broken
