"""Backends that are wrong on purpose, each in one named way: what the properties must kill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch

from conformance.model import Case, Operation, Results

Call = Callable[..., Any]


class Altered:
    """An honest backend whose calls go through `alter`: the rest of it is untouched."""

    def __init__(self, honest: Any, alter: Callable[[Call], Call], name: str = "miniature") -> None:
        self._honest, self._alter, self.name = honest, alter, name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._honest, attribute)

    def _altered(self, operation: Operation) -> Operation:
        in_place = operation.in_place and self._alter(operation.in_place)
        return replace(operation, call=self._alter(operation.call), in_place=in_place)

    def run(self, operation: Operation, case: Case) -> Results:
        return self._honest.run(self._altered(operation), case)

    def pullback(self, operation: Operation, case: Case, dy: np.ndarray) -> Results:
        return self._honest.pullback(self._altered(operation), case, dy)

    def abstract(self, operation: Operation, case: Case) -> Any:
        return self._honest.abstract(self._altered(operation), case)

    def fake(self, operation: Operation, case: Case) -> Any:
        return self._honest.fake(self._altered(operation), case)

    def count(self, operation: Operation, case: Case) -> Any:
        return self._honest.count(self._altered(operation), case)

    def abstract_count(self, operation: Operation, case: Case) -> Any:
        return self._honest.abstract_count(self._altered(operation), case)


@dataclass(frozen=True)
class Miniature:
    """One mistake: what is wrong, which property must see it, in which operation and dtype."""

    wrong: str
    property: str
    operation: str
    dtype: str
    alter: Callable[[Call], Call]


def changed(results: Any, change: Callable[[Any], Any]) -> Any:
    """The results with the main one changed."""
    if isinstance(results, Mapping):
        return {**results, "output": change(results["output"])} if "output" in results else results
    return change(results)


def with_options(**wrong: Any) -> Callable[[Call], Call]:
    """Ignore what was asked: these options are always so."""

    def alter(call: Call) -> Call:
        return lambda **arguments: call(**{**arguments, **{name: value for name, value in wrong.items() if name in arguments}})

    return alter


def with_output(change: Callable[[Any], Any]) -> Callable[[Call], Call]:
    """Change the main result."""
    return lambda call: lambda **arguments: changed(call(**arguments), change)


def with_result(name: str, change: Callable[[Any], Any]) -> Callable[[Call], Call]:
    """Change one of several results."""

    def alter(call: Call) -> Call:
        def wrong(**arguments: Any) -> Any:
            results = call(**arguments)
            return {**results, name: change(results[name])} if isinstance(results, Mapping) and name in results else results

        return wrong

    return alter


def with_inputs(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Call], Call]:
    """Change the arguments."""
    return lambda call: lambda **arguments: call(**change(arguments))


def in_bfloat16(call: Call) -> Call:
    """Compute in bfloat16 and return the dtype that was asked for."""

    def narrow(value: Any) -> Any:
        return value.to(torch.bfloat16).to(value.dtype) if torch.is_tensor(value) and value.is_floating_point() else value

    def wrong(**arguments: Any) -> Any:
        results = call(**{name: narrow(value) for name, value in arguments.items()})
        return {name: narrow(r) for name, r in results.items()} if isinstance(results, Mapping) else narrow(results)

    return wrong


def scaled_gradient(factor: float) -> Callable[[Call], Call]:
    """The right result with a gradient that is wrong by a factor."""
    return with_output(lambda output: output.detach() + (output - output.detach()) * factor)


def lost_gradient(call: Call) -> Call:
    """The gradient of the last element of the output is lost."""

    def cut(output: Any) -> Any:
        flat = output.reshape(-1)
        return torch.cat([flat[:-1], flat[-1:].detach()]).reshape(output.shape) if flat.numel() else output

    return with_output(cut)(call)


def never_refuses(call: Call) -> Call:
    """Whatever is wrong with the call, some number comes back."""

    def wrong(**arguments: Any) -> Any:
        try:
            return call(**arguments)
        except (RuntimeError, ValueError, TypeError, IndexError, KeyError, OverflowError, cv2.error):
            return torch.zeros(1) if any(map(torch.is_tensor, arguments.values())) else np.zeros(1)

    return wrong


def reads_memory_in_order(call: Call) -> Call:
    """A kernel that indexes linearly: strides are ignored."""

    def in_order(value: Any) -> Any:
        if torch.is_tensor(value) and value.numel() and value.untyped_storage().nbytes() >= value.numel() * value.element_size():
            return torch.empty(0, dtype=value.dtype).set_(value.untyped_storage())[: value.numel()].reshape(value.shape)
        if isinstance(value, np.ndarray) and value.base is not None and value.size:
            return np.resize(value.base.ravel()[: value.size], value.shape)
        return value

    return lambda **arguments: call(**{name: in_order(value) for name, value in arguments.items()})


def writes_its_input(call: Call) -> Call:
    """The call works, and leaves its first array changed."""

    def wrong(**arguments: Any) -> Any:
        results = call(**arguments)
        array = next(value for value in arguments.values() if torch.is_tensor(value) or isinstance(value, np.ndarray))
        with torch.no_grad():
            array[...] = 1
        return results

    return wrong


def never_the_same(call: Call) -> Call:
    """One element, chosen by chance, is off by a little."""
    noise = np.random.default_rng()

    def disturb(output: Any) -> Any:
        copy = output.clone() if torch.is_tensor(output) else np.array(output)
        if copy.size if isinstance(copy, np.ndarray) else copy.numel():
            copy.reshape(-1)[0] += int(noise.integers(1, 100))
        return copy

    return with_output(disturb)(call)


def double_work(call: Call) -> Call:
    """Everything is computed twice."""
    return lambda **arguments: (call(**arguments), call(**arguments))[1]


def more_work_in(asked: str) -> Callable[[Call], Call]:
    """A product more than there is: in the backward pass, or on tensors without data."""

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, y: Any) -> Any:
            return y.clone()

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:  # type: ignore[override]
            return (dy.reshape(-1, 1) @ dy.new_ones(1, 1)).reshape(dy.shape)

    def alter(call: Call) -> Call:
        if asked == "backward":
            return with_output(Twice.apply)(call)
        return with_output(lambda y: (y.reshape(-1, 1) @ y.new_ones(1, 1)).reshape(y.shape) if y.is_meta else y)(call)

    return alter


def cut_on(kind: str) -> Callable[[Call], Call]:
    """One element too few where shapes are inferred: on meta or on fake tensors."""

    def wrong(output: Any) -> Any:
        fake = type(output).__name__ == "FakeTensor"
        return output.reshape(-1)[1:] if (output.is_meta and not fake if kind == "meta" else fake) else output

    return with_output(wrong)


def zero_for_nan(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN is read as 0."""
    return {**arguments, "x": torch.nan_to_num(arguments["x"], nan=0.0, posinf=None, neginf=None)}


def last_column(value: float) -> Callable[[Call], Call]:
    """The last column of x is read as one number: a boundary that is not seen."""

    def blind(arguments: dict[str, Any]) -> dict[str, Any]:
        x = arguments["x"].clone()
        x[..., -1:] = value
        return {**arguments, "x": x}

    return with_inputs(blind)


def fresh_state(call: Call) -> Call:
    """What was saved is not loaded: momentum begins anew."""

    def wrong(**arguments: Any) -> Any:
        results, at = call(**arguments), arguments["resume_at"]
        if at is None or at == 0:
            return results
        return {name: torch.cat([path[:at], path[:1] + 0 * path[at:]]) for name, path in results.items()}

    return wrong
