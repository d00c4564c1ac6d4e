"""What a network costs, layer by layer: parameters, multiply-accumulates, bytes, and what each layer sees of the input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from conformance.cost_rules import Rule, elementwise, rule_of
from conformance.cost_trace import CostError, Part, Trace, tracing
from conformance.model import Shape, torch
from conformance.receptive_field import view_of_input
from oracles.costs import Work

__all__ = ["CostError", "Row", "cost_table", "elementwise", "total"]


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


def row_of(part: Part) -> Row:
    """The row of a part."""
    work, fields = Work(part.parameters, part.macs, 0, 0), [seen.field for seen in part.view]
    return Row(
        name=part.name or type(part.module).__name__,
        kind=type(part.module).__name__,
        output_shape=part.output_shape,
        parameters=part.parameters,
        macs=work.macs,
        flops=work.flops,
        bytes=part.bytes,
        receptive_field=tuple(f.size for f in fields),
        jump=tuple(_number(f.jump) for f in fields),
        start=tuple(_number(f.start) for f in fields),
        backward_flops=work.backward_flops,
        intensity=work.flops / part.bytes if part.bytes else 0.0,
        calls=part.calls,
    )


def _number(value: Any) -> float:
    return int(value) if value == int(value) else float(value)


def parts_of(module: Any, known: Mapping[type, Rule]) -> list[Part]:
    """Every leaf and every container, a layer whose cost is known whole; a parameter counts where it is met first."""
    parts: list[Part] = []
    counted: set[int] = set()
    inside: set[int] = set()
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
    return [row_of(part) for part in [*called, *never] if (part.leaf and part.calls) or part.macs or part.parameters]


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
