"""What a network costs, layer by layer: parameters, multiply-accumulates, bytes, and what each layer sees of the input."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from conformance.model import Shape, torch
from conformance.receptive_field import View, joined, mixed, view_of_input, view_of_result
from oracles import costs
from oracles.costs import Work

Rule = Callable[[Any, Sequence[Shape], Shape], Work]


class CostError(ValueError):
    """The cost of a network cannot be told; the message says in one sentence why."""


@dataclass(frozen=True)
class Row:
    """What one layer costs in all its calls of one forward pass, and what its last result sees of the network's first input.

    `flops` are two for each multiply-accumulate, `backward_flops` those of both gradients, `bytes` what must be read and written at
    least, `intensity` flops per byte. Position i of the result sees at most the `receptive_field` inputs from start + i·jump on; jump is
    0 where every position sees the same. The three are empty where the input has no axes behind batch and channels.
    """

    name: str
    kind: str
    output_shape: Shape | None
    parameters: int
    macs: int
    flops: int
    bytes: int
    receptive_field: tuple[int, ...]
    jump: tuple[float, ...]
    start: tuple[float, ...]
    backward_flops: int
    intensity: float
    calls: int

    def document(self) -> dict[str, Any]:
        """The row as JSON has it."""
        return asdict(self)


# Layers that hold parameters, by the name of their class in torch.nn.


def _convolution(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.convolution(inputs[0], y, layer.in_channels, layer.out_channels, layer.kernel_size, layer.groups, layer.bias is not None)


def _transposed(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    options = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.groups, layer.bias is not None)
    return costs.transposed_convolution(inputs[0], y, *options)


def _linear(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.linear(inputs[0], y, layer.in_features, layer.out_features, layer.bias is not None)


def _bilinear(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    features = (layer.in1_features, layer.in2_features, layer.out_features)
    return costs.bilinear(inputs[0], inputs[1], y, *features, layer.bias is not None)


def _batch_norm(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.channel_norm(inputs[0], layer.num_features, layer.affine)


def _group_norm(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.channel_norm(inputs[0], layer.num_channels, layer.affine)


def _layer_norm(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.layer_norm(inputs[0], layer.normalized_shape, layer.elementwise_affine, getattr(layer, "bias", None) is not None)


def _embedding(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.embedding(inputs[0], y, layer.num_embeddings, layer.embedding_dim)


def _prelu(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    return costs.elementwise(inputs[0], y, layer.num_parameters)


def _attention(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    query, key = inputs[0], inputs[1] if len(inputs) > 1 else inputs[0]
    axis = 1 if layer.batch_first and len(query) == 3 else 0
    batch = math.prod(query[:-1]) // query[axis] if query[axis] else 0
    kinds = (layer.embed_dim, layer.kdim, layer.vdim, layer.in_proj_bias is not None)
    return costs.multihead_attention(query[axis], key[axis], batch, *kinds, layer.bias_k is not None, layer.add_zero_attn)


def _recurrence(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    kind, steps = type(layer).__name__, math.prod(inputs[0][:-1])
    options = (layer.num_layers, layer.bias, layer.bidirectional, layer.proj_size)
    return costs.recurrence(kind, steps, 1, layer.input_size, layer.hidden_size, *options)


def _cell(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    kind, steps = type(layer).__name__.removesuffix("Cell"), math.prod(inputs[0][:-1])
    return costs.recurrence(kind, 1, steps, layer.input_size, layer.hidden_size, 1, layer.bias)


def elementwise(layer: Any, inputs: Sequence[Shape], y: Shape) -> Work:
    """The rule of a layer without products, whatever parameters it holds."""
    return costs.elementwise(inputs[0] if inputs else (0,), y, sum(p.numel() for p in layer.parameters()))


LAYERS: Mapping[str, Rule] = {
    **{f"Conv{rank}d": _convolution for rank in (1, 2, 3)},
    **{f"ConvTranspose{rank}d": _transposed for rank in (1, 2, 3)},
    **{f"{kind}Norm{rank}d": _batch_norm for kind in ("Batch", "Instance") for rank in (1, 2, 3)},
    "SyncBatchNorm": _batch_norm,
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "RMSNorm": _layer_norm,
    "Linear": _linear,
    "Bilinear": _bilinear,
    "Embedding": _embedding,
    "EmbeddingBag": _embedding,
    "PReLU": _prelu,
    "MultiheadAttention": _attention,
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrence),
    **dict.fromkeys(("RNNCell", "LSTMCell", "GRUCell"), _cell),
}


def rule_of(layer: Any, known: Mapping[type, Rule]) -> Rule | None:
    """How a layer's cost is told, by its class or the nearest base that is known."""
    for base in type(layer).__mro__:
        if base in known:
            return known[base]
        if base.__module__.startswith("torch.nn.modules.") and base.__name__ in LAYERS:
            return LAYERS[base.__name__]
    return None


@dataclass
class Part:
    """A row in the making: a leaf, or what a container does and holds itself."""

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

    def row(self) -> Row:
        """The row as it stands."""
        fields = [seen.field for seen in self.view]
        return Row(
            name=self.name or type(self.module).__name__,
            kind=type(self.module).__name__,
            output_shape=self.output_shape,
            parameters=self.parameters,
            macs=self.macs,
            flops=2 * self.macs,
            bytes=self.bytes,
            receptive_field=tuple(f.size for f in fields),
            jump=tuple(_number(f.jump) for f in fields),
            start=tuple(_number(f.start) for f in fields),
            backward_flops=4 * self.macs,
            intensity=2 * self.macs / self.bytes if self.bytes else 0.0,
            calls=self.calls,
        )


def _number(value: Any) -> float:
    return int(value) if value == int(value) else float(value)


def parts_of(module: Any, known: Mapping[type, Rule]) -> list[Part]:
    """Every leaf and every container, a layer whose cost is known whole; a parameter counts where it is met first."""
    parts, counted, inside = [], set(), set()
    for name, layer in module.named_modules():
        if id(layer) in inside:
            continue
        rule = rule_of(layer, known)
        leaf = rule is not None or not any(layer.children())
        if leaf:
            inside.update(id(part) for part in layer.modules())
        fresh = {id(p): p for p in layer.parameters(recurse=leaf) if id(p) not in counted}
        counted.update(fresh)
        parts.append(Part(name, layer, rule, sum(p.numel() for p in fresh.values()), leaf=leaf))
    return parts


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
    """torch's own formulas, for products outside of layers."""
    from torch.utils.flop_counter import flop_registry

    registry: Mapping[Any, Callable[..., int]] = flop_registry
    return registry


def _acts_on_features(layer: Any) -> bool:
    """Whether a layer sees the last axis whole and no other, although torch reshapes what it is given."""
    return isinstance(layer, torch.nn.Linear) and type(layer).forward is torch.nn.Linear.forward


def _in_order(layer: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """The arguments of a call in the order of the signature."""
    return list(inspect.signature(layer.forward).bind(*arguments, **named).arguments.values()) if named else arguments


def tensors_in(values: Any) -> list[Any]:
    """The tensors in nested lists, tuples and mappings, in order."""
    from torch.utils._pytree import tree_leaves

    return [leaf for leaf in tree_leaves(values) if torch.is_tensor(leaf)]


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Let the trace see every layer and every aten function, and all of that run on the meta device."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_map_only

    class OnMeta(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            moved = any(not t.is_meta for t in tensors_in((args, kwargs))) and any(t.is_meta for t in tensors_in((args, kwargs)))
            if moved:
                args, kwargs = tree_map_only(torch.Tensor, lambda t: t.to("meta"), (args, kwargs or {}))
            out = function(*args, **(kwargs or {}))
            trace.call(function, args, kwargs or {}, out)
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


def cost_table(module: Any, *input_shapes: Any, known: Mapping[type, Rule] | None = None) -> list[Row]:
    """One row for each leaf layer of a network, in the order in which they are called first, found by running it on meta tensors.

    module          any torch.nn.Module; it is run in evaluation mode and left as it was
    input_shapes    the shapes of its arguments, (1, 3, 224, 224) say; a tensor, on any device, where it is not of the network's dtype
    known           {class: rule} for layers with parameters of your own, a rule being (layer, shapes of the inputs, of the output) → Work

    A container has a row if it multiplies or holds parameters itself; a layer that is never called has one without cost. So the rows'
    parameters add up to those of the module, each counted once. Raises CostError where a leaf that holds parameters is not known.
    """
    meta = {name: tensor.detach().to("meta") for name, tensor in _held(module)}
    parts = parts_of(module, known or {})
    trace = Trace(parts)
    inputs = [_input(shape, module) for shape in input_shapes]
    if inputs:
        trace.see(inputs[0], view_of_input(inputs[0]))
    try:
        with tracing(trace):
            torch.func.functional_call(module, meta, tuple(inputs))
    except CostError:
        raise
    except Exception as error:  # whatever the network raises
        shapes = ", ".join(str(tuple(x.shape)) for x in inputs) or "nothing"
        raise CostError(f"the network cannot be run on meta tensors of shape {shapes}: {type(error).__name__}: {error}") from error
    called = list(trace.order.values())
    never = [part for part in parts if id(part) not in trace.order]
    return [part.row() for part in [*called, *never] if (part.leaf and part.calls) or part.macs or part.parameters]


def _held(module: Any) -> Iterator[tuple[str, Any]]:
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
            raise CostError(f"{name} has no shape yet: run the network once, so that its lazy layers know their inputs")
        yield name, tensor


def _input(shape: Any, module: Any) -> Any:
    if torch.is_tensor(shape):
        return shape.to("meta")
    if not isinstance(shape, Sequence) or isinstance(shape, str) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise CostError(f"an input is given as a tuple of sides, (1, 3, 224, 224) say, not as {shape!r}")
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def total(rows: Sequence[Row]) -> dict[str, int]:
    """The sums over rows."""
    return {name: sum(getattr(row, name) for row in rows) for name in ("parameters", "macs", "flops", "bytes", "backward_flops")}
