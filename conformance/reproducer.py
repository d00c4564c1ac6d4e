"""A failure as a small script that imports NumPy and the library on trial, nothing of ours."""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.layouts import lay_out
from conformance.memory import PATTERN, unwritten_memory_shows
from conformance.model import Backend, Case, Library, Operation

OURS = ("conformance", "oracles")  # what a script cannot import

ENDINGS = {  # what each property does with the call; {name}s are filled in
    "gradient": """\
    for name, tensor in arrays.items():
        if torch.is_tensor(tensor) and tensor.is_floating_point() and name not in constants:
            tensor.requires_grad_()
    results = named(asked(**arrays, **options))
    results["output"].backward(torch.ones_like(results["output"]) if dy is None else dy)
    results = {name: tensor.grad for name, tensor in arrays.items() if torch.is_tensor(tensor) and tensor.grad is not None}
""",
    "cost": """\
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as forward:
        results = named(asked(**arrays, **options))
    print("FLOPs forward:", forward.get_total_flops())
    for name, tensor in arrays.items():
        if torch.is_tensor(tensor) and tensor.is_floating_point() and name not in constants:
            tensor.requires_grad_()
    output = named(asked(**arrays, **options))["output"]
    if output.requires_grad:
        with FlopCounterMode(display=False) as backward:
            output.sum().backward()
        print("FLOPs backward:", backward.get_total_flops())
""",
    "": """\
    results = named(asked(**arrays, **options))
""",
}


def source_of(call: Callable[..., Any]) -> str:
    """The source of a function with everything of the suite that it uses, ready to run by itself; `asked` is its name there.

    Functions and classes are written out, functions that another one has made get what it closed over, constants their value.
    """
    parts: dict[str, str] = {}

    def visit(name: str, value: Any) -> None:
        if name in parts or name.startswith("__"):
            return
        if isinstance(value, Library) or (isinstance(value, ModuleType) and value.__name__.partition(".")[0] not in OURS):
            parts[name] = f"import {name}\n" if name != "np" else ""
            return
        if isinstance(value, ModuleType):
            return
        parts[name] = ""  # a place in the order, and an end for recursion
        if isinstance(value, partial):
            visit(value.func.__name__, value.func)
            parts[name] = (
                f"def {name}(*arrays, **options):\n    return {value.func.__name__}(*arrays, **{dict(value.keywords)!r}, **options)\n"
            )
        elif isinstance(value, FunctionType):
            for used, found in _used(value):
                visit(used, found)
            text = textwrap.dedent(inspect.getsource(value)) if value.__name__ != "<lambda>" else _lambda(value, name)
            parts[name] = text if value.__name__ in (name, "<lambda>") else f"{text}\n\n{name} = {value.__name__}\n"
        elif isinstance(value, type) and value.__module__.partition(".")[0] in OURS:
            for method in filter(inspect.isfunction, vars(value).values()):
                for used, found in _used(method):
                    visit(used, found)
            parts[name] = textwrap.dedent(inspect.getsource(value))
        elif isinstance(value, (int, float, str, tuple, list, dict, frozenset, type(None))):
            parts[name] = f"{name} = {value!r}\n"
        else:
            del parts[name]

    name = call.__name__ if isinstance(call, FunctionType) and call.__name__.isidentifier() else "call"
    visit(name, call)
    return "\n\n".join([*parts.values(), f"asked = {name}\n"])


def _used(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The names of its module and of the functions around it that a function uses, with what they are."""
    yield from zip(function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True)
    yield from ((name, function.__globals__[name]) for name in sorted(_names(function.__code__)) if name in function.__globals__)


def _names(code: CodeType) -> set[str]:
    """The global names that a function and the functions inside it use."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    own = {str(step.argval) for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return own.union(*map(_names, inner))


def _lambda(function: FunctionType, name: str) -> str:
    """The source of a nameless function, as the value of a name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)).strip().rstrip(","))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    return f"{name} = {ast.unparse(found[0])}\n"


def script(verb: str, operation: Operation, case: Case, backend: Backend, failure: Exception) -> str:
    """The script of a failing case: arrays, options, the call, and what was found beside what is accepted."""
    literal = torch_literal if operation.library == "torch" else numpy_literal
    dy = getattr(failure, "dy", None)
    ending = "gradient" if verb == "gradient" or dy is not None else verb if verb == "cost" and operation.library == "torch" else ""
    lines = [
        *(
            [f"# MALLOC_PERTURB_={PATTERN} in the environment shows memory that no one has written, as in the suite."]
            if unwritten_memory_shows()
            else []
        ),
        "from __future__ import annotations",
        "",
        "from typing import Any",
        "",
        "import numpy as np",
        f"import {operation.library}",
        "",
        "nan, inf = np.nan, np.inf",
        "",
        "",
        source_of(operation.call),
        "",
        "def named(results):",
        '    return dict(results) if isinstance(results, dict) else {"output": results}',
        "",
        "",
        "arrays = {",
        *(f"    {name!r}: {literal(array, case.layouts.get(name), backend)}," for name, array in case.arrays.items()),
        "}",
        f"options = {dict(case.options)!r}",
        *([f"constants = {operation.constants!r}"] if ending else []),
        *([f"dy = {literal(dy, None, backend)}"] if ending == "gradient" else []),
        "",
        textwrap.dedent(ENDINGS[ending]),
        *_comparison(verb, failure),
    ]
    return "\n".join(lines) + "\n"


def _comparison(verb: str, failure: Exception) -> list[str]:
    """The last lines: the element in question, or all that came out."""
    result, index, accepted = (getattr(failure, name, "") for name in ("result", "index", "accepted"))
    if not accepted:
        return [*(["print(results)"] if verb != "cost" else []), f"print({f'{verb}: {failure}'!r})"]
    return [
        f'print("{result}{list(index)} is", results[{result!r}][{tuple(index)!r}])',
        f"print({f'accepted is {accepted}'!r})",
    ]


def _values(array: np.ndarray) -> str:
    return repr(array.astype(float).tolist() if array.dtype.kind in "fV" else array.tolist())


def numpy_literal(array: np.ndarray | None, layout: str | None, backend: Backend) -> str:
    """An array as NumPy code, in its memory layout."""
    if array is None:
        return "None"
    code = f"np.array({_values(array)}, np.{array.dtype.name}).reshape({array.shape!r})"
    if layout in (None, "contiguous"):
        return code
    buffer, start, strides = _placed(array, layout)
    where = f"np.lib.stride_tricks.as_strided(np.zeros({buffer}, np.{array.dtype.name})[{start}:], {array.shape!r}, {strides!r})"
    return f"(lambda view, values: (np.copyto(view, values), view)[1])({where}, {code})"


def torch_literal(array: np.ndarray | None, layout: str | None, backend: Backend) -> str:
    """An array as torch code on the backend's device, in its memory layout."""
    if array is None:
        return "None"
    name, device = array.dtype.name, str(getattr(backend, "device", "cpu"))
    code = f"torch.tensor({_values(array)}, dtype=torch.{name}, device={device!r}).reshape({array.shape!r})"
    if layout in (None, "contiguous"):
        return code
    buffer, start, strides = _placed(array, layout)
    steps = tuple(stride // array.itemsize for stride in strides)
    where = f"torch.zeros({buffer}, dtype=torch.{name}, device={device!r}).as_strided({array.shape!r}, {steps!r}, {start})"
    return f"{where}.copy_({code})"


def _placed(array: np.ndarray, layout: str) -> tuple[int, int, tuple[int, ...]]:
    """How large a buffer the laid-out array needs, at which element it begins, and its strides in bytes."""
    view = lay_out(array, layout)
    reach = [(side - 1) * stride // array.itemsize for side, stride in zip(view.shape, view.strides, strict=True)]
    start = -sum(r for r in reach if r < 0)
    return start + sum(r for r in reach if r > 0) + 1, start, view.strides
