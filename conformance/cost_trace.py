"""One forward pass on meta tensors, watched: who is running, which products are formed, and what each tensor sees of the input."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from conformance.cost_rules import Rule
from conformance.model import Shape, torch
from conformance.receptive_field import View, joined, mixed, view_of_result


class CostError(ValueError):
    """The cost of a network cannot be told; the message says in one sentence why."""


@dataclass
class Part:
    """A leaf, or what a container does and holds itself; what it costs so far, and what its last result sees."""

    name: str
    module: Any
    rule: Rule | None
    parameters: int
    output_shape: Shape | None = None
    macs: int = 0
    bytes: int = 0
    calls: int = 0
    view: View = ()
    leaf: bool = True


@dataclass
class Trace:
    """One forward pass on meta tensors: who is running, and what each tensor sees."""

    parts: Sequence[Part]
    running: list[Part] = field(default_factory=list)
    order: dict[int, Part] = field(default_factory=dict)
    views: dict[int, tuple[Any, View]] = field(default_factory=dict)

    def enter(self, part: Part, layer: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        """A layer begins."""
        held = sum(p.numel() for p in layer.parameters())
        if part.leaf and part.rule is None and held:
            raise CostError(
                f"the cost of {part.name or 'the network'}, a {type(layer).__qualname__} with {held:,} parameters, is not known; "
                f"tell it with known={{{type(layer).__qualname__}: rule}}, conformance.cost.elementwise where it has no products"
            )
        self.running.append(part)
        self.order.setdefault(id(part), part)

    def leave(self, part: Part, layer: Any, arguments: tuple[Any, ...], named: Mapping[str, Any], output: Any) -> None:
        """A layer is done."""
        self.running.pop()
        results, inputs = tensors_in(output), tensors_in(_in_order(layer, arguments, named))
        part.calls += 1
        part.output_shape = tuple(results[0].shape) if results else None
        if not results:
            return
        if _acts_on_features(layer) and inputs and (view := self.view(inputs[0])):
            self.see(results[0], mixed(view, inputs[0].shape, (-1,)))
        part.view = self.view(results[0])
        if part.rule is not None:
            part.macs += part.rule(layer, [tuple(x.shape) for x in inputs], tuple(results[0].shape)).macs
        if part.leaf:  # a known layer's further results, attention's weights or a last state, may be left unwritten
            written = results[:1] if part.rule else results
            part.bytes += sum(x.numel() * x.element_size() for x in (*inputs, *written, *layer.parameters()))

    def see(self, tensor: Any, view: View) -> None:
        """Remember what a tensor sees; the tensor is held, so that its identity stays its own."""
        self.views[id(tensor)] = (tensor, view)

    def view(self, tensor: Any) -> View:
        """What a tensor sees, nothing where it does not depend on the input."""
        return self.views[id(tensor)][1] if id(tensor) in self.views else ()

    def call(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> None:
        """An aten function was called."""
        inputs, results = tensors_in((args, kwargs)), tensors_in(out)
        views = [(view, tuple(x.shape)) for x in inputs if (view := self.view(x))]
        for result in results if views else ():
            self.see(result, view_of_result(function, args, kwargs, result, views))
            base = result._base
            if base is not None and any(result is x for x in inputs):  # written through a view: the whole may see it anywhere
                written = [*views, *([(self.view(base), tuple(base.shape))] if self.view(base) else [])]
                self.see(base, joined([(mixed(view, own, range(len(own))), own) for view, own in written], tuple(base.shape)))
        part = self.running[-1] if self.running else None
        counts = part is not None and part.rule is None and _counter().get(function._overloadpacket)
        if part is not None and counts:
            part.macs += counts(*args, **kwargs, out_val=out) // 2
            part.bytes += 0 if part.leaf else sum(x.numel() * x.element_size() for x in (*inputs, *results))


def _counter() -> Mapping[Any, Callable[..., int]]:
    """torch's own formulas for products outside of layers, and those that it lacks."""
    registry: Mapping[Any, Callable[..., int]] = importlib.import_module("torch.utils.flop_counter").flop_registry
    aten = torch.ops.aten
    lacking: Mapping[Any, Callable[..., int]] = {
        aten.dot: lambda a, b, **_: 2 * a.numel(),
        aten.vdot: lambda a, b, **_: 2 * a.numel(),
        aten.mv: lambda a, b, **_: 2 * a.numel(),
        aten.addmv: lambda y, a, b, **_: 2 * a.numel(),
        aten.addbmm: lambda y, a, b, **_: 2 * a.numel() * b.shape[2],
    }
    return {**lacking, **registry}


def _acts_on_features(layer: Any) -> bool:
    """Whether a layer sees the last axis whole and no other, although torch reshapes what it is given."""
    return isinstance(layer, torch.nn.Linear) and type(layer).forward is torch.nn.Linear.forward


def _in_order(layer: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """The arguments of a call in the order of the signature."""
    return list(inspect.signature(layer.forward).bind(*arguments, **named).arguments.values()) if named else arguments


def tensors_in(values: Any) -> list[Any]:
    """The tensors in nested lists, tuples and mappings, in order."""
    return [leaf for leaf in importlib.import_module("torch.utils._pytree").tree_leaves(values) if torch.is_tensor(leaf)]


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Let the trace see every layer and every aten function, and all of that run on the meta device."""
    mode = importlib.import_module("torch.utils._python_dispatch").TorchDispatchMode
    pytree = importlib.import_module("torch.utils._pytree")

    class OnMeta(mode):  # type: ignore[misc,valid-type]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if len({t.is_meta for t in tensors_in((args, kwargs))}) > 1:
                args, kwargs = pytree.tree_map_only(torch.Tensor, lambda t: t.to("meta"), (args, kwargs))
            out = function(*args, **kwargs)
            trace.call(function, args, kwargs, out)
            return out

    with ExitStack() as stack:
        for part in trace.parts:
            stack.enter_context(_hooked(trace, part))
        stack.enter_context(torch.no_grad())
        stack.enter_context(OnMeta())
        yield


@contextmanager
def _hooked(trace: Trace, part: Part) -> Iterator[None]:
    layer = part.module
    before = layer.register_forward_pre_hook(lambda *call: trace.enter(part, *call), with_kwargs=True)
    after = layer.register_forward_hook(lambda *call: trace.leave(part, *call), with_kwargs=True)
    was_training, layer.training = layer.training, False
    try:
        yield
    finally:
        layer.training = was_training
        before.remove()
        after.remove()
