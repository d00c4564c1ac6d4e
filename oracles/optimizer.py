"""Optimizers as recurrences: the frame in which each is judged step by step, from the subject's own state before the step.

A recurrence is a function step(p, g, state, t, form, *, lr, …) → (p, state) that reads like the documented algorithm. All steps are
computed at once: arrays carry the steps along their first axis, so that rounding does not pile up from one step to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oracles.bounded import FORMATS, Bounded, constant, exact, ieee
from oracles.bounded.ball import entering

PYTHON = ieee("float64")  # in which optimizers compute their coefficients
KEPT = PYTHON.but(storage=FORMATS["float32"])  # and in which they keep those that belong to their state

State = Mapping[str, Any]
Step = Callable[..., tuple[Any, dict[str, Any]]]


class Documented:
    """Averages, decay and roots as the algorithms write them."""

    @staticmethod
    def average(old: Any, new: Any, keep: Any) -> Any:
        """An exponential average."""
        return keep * old + (1 - keep) * new

    @staticmethod
    def decayed(p: Any, lr: Any, weight_decay: float) -> Any:
        """Decoupled weight decay."""
        return p - lr * weight_decay * p

    @staticmethod
    def root(v: Any, correction: Any) -> Any:
        """The root of a second moment without its bias."""
        return np.sqrt(v / correction)

    @staticmethod
    def scaled(lr: Any, m: Any, correction: Any) -> Any:
        """A first moment without its bias, times the rate."""
        return lr * (m / correction)

    @staticmethod
    def moved(p: Any, terms: tuple[Any, ...], denominator: Any) -> Any:
        """Against the sum of some terms."""
        return p - sum(terms[1:], terms[0]) / denominator

    @staticmethod
    def mean_square(x: Any, axis: Any) -> Any:
        """The mean of squares."""
        return np.mean(x * x, axis=axis, keepdims=True)

    @staticmethod
    def at_least(least: float, x: Any) -> Any:
        """The larger of two numbers; NaN above all."""
        return np.maximum(least, x)


class Rearranged(Documented):
    """The same in fewer or other operations, as programs often write them."""

    @staticmethod
    def average(old: Any, new: Any, keep: Any) -> Any:
        weight = taken(1 - keep, old)
        small = np.asarray(getattr(weight, "value", weight)) < 0.5
        return np.where(small, old + weight * (new - old), new - (new - old) * (1 - weight))

    @staticmethod
    def decayed(p: Any, lr: Any, weight_decay: float) -> Any:
        return p * (1 - lr * weight_decay)

    @staticmethod
    def root(v: Any, correction: Any) -> Any:
        return np.sqrt(v) / np.sqrt(correction)

    @staticmethod
    def scaled(lr: Any, m: Any, correction: Any) -> Any:
        return lr / correction * m

    @staticmethod
    def moved(p: Any, terms: tuple[Any, ...], denominator: Any) -> Any:
        for term in terms:
            p = p - term / denominator
        return p

    @staticmethod
    def mean_square(x: Any, axis: Any) -> Any:
        squares = np.sum(x * x, axis=axis, keepdims=True)
        return np.sqrt(squares) ** 2 / (x.size // max(squares.size, 1))

    @staticmethod
    def at_least(least: float, x: Any) -> Any:
        """The larger of two numbers; of NaN and a number the number, as IEEE 754's maximumNumber has it."""
        return np.where(np.isnan(x), least, np.maximum(least, x))


class Unscaled(Rearranged):
    """The same, with moments that are stored without their bias."""

    scaled = staticmethod(Documented.scaled)


class Incremental(Documented):
    """Averages as steps towards the new value."""

    @staticmethod
    def average(old: Any, new: Any, keep: Any) -> Any:
        return old + (1 - keep) * (new - old)


class Recurrence:
    """The oracle of an optimizer: two parameters along their gradients.

    step              the recurrence; its documentation is the oracle's
    start             (shape, **options) → the state before the first step by name, a float for what is kept as one number
    ready             whether the state exists before the first step
    told              numbers of the state that are read, by the same step, as they were kept
    forms             how it may be written: the first as it is documented
    """

    def __init__(
        self,
        step: Step,
        start: Callable[..., State],
        *,
        ready: bool = False,
        told: tuple[str, ...] = (),
        forms: tuple[Any, ...] = (Documented, Rearranged),
    ) -> None:
        self.step, self.start, self.ready, self.told, self.form = step, start, ready, told, forms[0]
        self.__doc__, self.__name__ = step.__doc__, step.__name__
        self.formulations = tuple(Recurrence(step, start, ready=ready, told=told, forms=(form,)) for form in forms[1:])

    def __call__(
        self,
        first: Any,
        second: Any,
        first_gradients: Any,
        second_gradients: Any,
        *,
        own: tuple[tuple[str, Any], ...] | None,
        missing: tuple[int, ...],
        skipped: tuple[int, ...] | None,
        observed: Any = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Parameters and state after each step, (T, *) by name; without `observed` along the oracle's own path.

        `own` is what the second parameter's group sets for itself; at the steps `missing` it has no gradient; the steps `skipped` (None
        without a gradient scaler) do not happen. How the library is called changes nothing in the mathematics.
        """
        given = (("first", first, first_gradients, (), ()), ("second", second, second_gradients, missing, own or ()))
        results: dict[str, Any] = observed or {}
        for _ in range(1 if observed else len(first_gradients)):
            seen, results = results, {}
            for name, start, along, lacking, settings in given:
                active = np.array([t not in (*lacking, *(skipped or ())) for t in range(len(along))])
                own_part = {key.removeprefix(name).removeprefix("_"): path for key, path in seen.items() if key.startswith(name)}
                found = self.path(start, along, active, own_part, followed=bool(observed), **{**options, **dict(settings)})
                results |= {f"{name}_{key}" if key else name: path for key, path in found.items()}
                results |= {f"{name}_gradients": along} if skipped is None else {}  # they are left as they were
        return results

    def path(self, start: Any, g: Any, active: np.ndarray, seen: State, *, followed: bool, **options: Any) -> dict[str, Any]:
        """One parameter (under "") and its state: what was `seen` after each step gives what comes after the next."""
        by, count = getattr(start, "by", None), np.cumsum(active)
        column = (-1, *(1,) * start.ndim)
        happens, begun = active.reshape(column), (count > 0).reshape(column)
        how = {name: options.pop(name, None) for name in HOW}
        initial = {"": getattr(start, "value", start), **self.start(start.shape, **options)}
        kept = {name for name, value in initial.items() if isinstance(value, float)}
        state = {name: past(value, seen.get(name), count, column, by) for name, value in initial.items()}
        for name in {*self.told} & {*seen} if followed else ():
            state[f"new_{name}"] = number(np.asarray(seen[name], float).reshape(column), start)
        t, options["lr"] = number(np.maximum(count, 1.0).reshape(column), start), rate(options["lr"], how["lr_form"], start)
        p, new = self.step(state[""], g, state, t, self.form, **options)
        new = {"": p, "step": t, **new}
        new = coupled(new, (g, *state.values())) if how["numbers"] == "complex" else new
        results = {}
        for name in [name for name in new if name in initial] if begun.any() or self.ready else [""]:
            result = np.where(happens, new[name], state[name])
            result = result if name == "" or self.ready else np.where(begun, result, 0.0)
            results[name] = stored_alone(result).reshape(-1) if name in kept else result
        return results


HOW = ("resume_at", "implementation", "lr_form", "numbers", "gradients")  # how the library is called


def number(x: Any, like: Any) -> Any:
    """Numbers that are no tensors: exact, and computed with in Python floats."""
    return exact(x, PYTHON) if isinstance(like, Bounded) else np.asarray(x, float)


def rate(lr: float, form: str, like: Any) -> Any:
    """The learning rate as a number, or as a tensor of its own: float64 beside float64 parameters, float32 beside others."""
    if form == "number" or not isinstance(like, Bounded) or like.by.compute.precision == 53:
        return number(lr, like)
    return exact(float(np.float32(lr)), ieee("float32"))


def past(first: Any, path: Any, count: np.ndarray, column: tuple[int, ...], by: Any) -> Any:
    """The state before each step: as it began, until there was a gradient, and then what was seen after the step before."""
    alone, first = isinstance(first, float), np.asarray(first, float)[None]
    first = first if by is None else (KEPT if alone else by).storage.round(first)
    path = np.broadcast_to(first, (len(count), *first.shape[1:])) if path is None else np.asarray(path).astype(float)
    begun = (count > 0).reshape(-1, *(1,) * (path.ndim - 1))
    before = np.concatenate([first, np.where(begun, path, first)[:-1]])
    before = before.reshape(column) if alone else before
    return before if by is None else exact(before, PYTHON if alone else by)


def coupled(new: Mapping[str, Any], old: tuple[Any, ...]) -> dict[str, Any]:
    """Pairs that are complex numbers: where a part of one is not finite, on the way to any result, the other may be anything."""
    pairs = [x for x in (*new.values(), *old) if isinstance(x, Bounded) and x.ndim and x.shape[-1] == 2]
    if not pairs:
        return dict(new)
    restless = [~(np.abs(x.value) + x.error < x.by.compute.overflow) for x in pairs]
    odd = np.logical_or.reduce(restless).any(axis=-1, keepdims=True)
    return {name: Bounded(x.value, np.where(odd, np.inf, x.error), x.by) if any(x is y for y in pairs) else x for name, x in new.items()}


def taken(x: Any, like: Any) -> Any:
    """A number as an operation on an array takes it: rounded to the format that it computes in."""
    if not isinstance(like, Bounded):
        return x
    return entering(x, like.by) if isinstance(x, Bounded) else constant(x, like.by)


def single(x: Any) -> Any:
    """A number that is kept in float32, as it is computed with there."""
    return Bounded(x.value, x.error, ieee("float32")) if isinstance(x, Bounded) else x


def read_back(x: Any) -> Any:
    """A number that is kept in float32, as Python reads it."""
    return Bounded(x.value, x.error, PYTHON) if isinstance(x, Bounded) else x


def short(x: Any, like: Any) -> Any:
    """A number in float32, beside arrays that are no finer."""
    return single(x) if isinstance(like, Bounded) and like.by.compute.precision < 53 else x


def stored_alone(x: Any) -> Any:
    """A number of the state, on its way to float32."""
    return Bounded(x.value, x.error, KEPT) if isinstance(x, Bounded) and x.by.storage != KEPT.storage else x


def zeros(*names: str) -> Callable[..., State]:
    """A state of arrays like the parameter that begins at 0, and the number of steps."""
    return lambda shape, **options: {"step": 0.0, **{name: np.zeros(shape) for name in names}}
