"""`conformance cost package.module:factory --input 1,3,224,224`: the cost table of a network, for a person or as JSON."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.grid import Misuse

UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def add_parser(commands: Any) -> None:
    """Add the subcommand to those of the command line."""
    parser = commands.add_parser("cost", help="print what a network costs, layer by layer: parameters, MACs, FLOPs, bytes, receptive field")
    parser.add_argument("network", metavar="MODULE:FACTORY", help="a torch.nn.Module, or what makes one when it is called")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="N,C,H,W[:DTYPE]",
        help="the shape of an argument, as 1,3,224,224 or 1,16:int64; once for each",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=cost)


def cost(arguments: argparse.Namespace) -> int:
    """Print the table; Misuse where the network or an input cannot be formed, or a layer is not known."""
    if importlib.util.find_spec("torch") is None:
        raise Misuse("torch is not installed: the cost of a network cannot be told without it")
    from conformance.cost import CostError, cost_table, total

    if not arguments.input:
        raise Misuse("no input was given: add --input 1,3,224,224, say")
    inputs = [_input(text) for text in arguments.input]
    try:
        rows = cost_table(_network(arguments.network), *inputs)
    except CostError as error:
        raise Misuse(" ".join(str(error).split())) from error
    if arguments.json:
        print(json.dumps({"rows": [row.document() for row in rows], "total": total(rows)}, indent=1, ensure_ascii=False))
    else:
        _print(rows, total(rows))
    return 0


def _network(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if not attribute or not all(part.isidentifier() for part in module.split(".")):
        raise Misuse(f"{name!r} does not name a network: write package.module:factory")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        home = importlib.import_module(module)
    except Exception as error:  # whatever the module raises
        raise Misuse(f"the network {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(home, attribute):
        raise Misuse(f"the module {module!r} has no attribute {attribute!r}")
    found = getattr(home, attribute)
    from torch.nn import Module

    try:
        network = found if isinstance(found, Module) else found()
    except Exception as error:  # whatever the factory raises
        raise Misuse(f"{name!r} cannot be called without arguments: {type(error).__name__}: {error}") from error
    if not isinstance(network, Module):
        raise Misuse(f"{name!r} made a {type(network).__name__}, not a torch.nn.Module")
    return network


def _input(text: str) -> Any:
    sides, _, dtype = text.partition(":")
    try:
        shape = tuple(int(side) for side in sides.split(","))
    except ValueError:
        shape = (-1,)
    if min(shape) < 0:
        raise Misuse(f"{text!r} is not a shape: write 1,3,224,224, say")
    if not dtype:
        return shape
    import torch

    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        raise Misuse(f"{dtype!r} is no dtype of torch: write int64, say")
    return torch.empty(shape, dtype=kind, device="meta")


def short(number: float) -> str:
    """A number for a person: four digits and a unit."""
    for size, unit in UNITS:
        if number >= size:
            return f"{number / size:.4g} {unit}"
    return f"{number:.4g}" if number else "–"


def _sides(sides: Sequence[int] | None) -> str:
    return "×".join(map(str, sides)) if sides else "–"


def _print(rows: Sequence[Any], sums: dict[str, int]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_footer=True)
    table.add_column("layer", "total", overflow="fold")
    table.add_column("kind", overflow="fold")
    table.add_column("output", overflow="fold")
    for name in ("parameters", "macs", "flops", "bytes"):
        title = name.upper() if name != "macs" else "MACs"
        footer = f"{sums[name]:,}" if name in ("parameters", "macs") else short(sums[name])
        table.add_column({"PARAMETERS": "parameters", "FLOPS": "FLOPs", "BYTES": "bytes"}.get(title, title), footer, justify="right")
    table.add_column("FLOPs/byte", short(sums["flops"] / sums["bytes"]) if sums["bytes"] else "–", justify="right")
    table.add_column("sees", justify="right")
    for row in rows:
        name = row.name if row.calls == 1 else f"{row.name} ({f'{row.calls} calls' if row.calls else 'never called'})"
        numbers = [
            f"{row.parameters:,}" if row.parameters else "–",
            f"{row.macs:,}" if row.macs else "–",
            short(row.flops),
            short(row.bytes),
        ]
        table.add_row(name, row.kind, _sides(row.output_shape), *numbers, short(row.intensity), _sides(row.receptive_field))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
