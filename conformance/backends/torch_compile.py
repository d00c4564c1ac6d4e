"""PyTorch through torch.compile: what a call computes is captured as a graph, and the graph is compiled, by Inductor or another compiler.

Of a call that builds a module and calls it, the module is compiled, as a user would do; of one that calls functions, the call itself.
"""

from __future__ import annotations

import getpass
import importlib
import importlib.util
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends import torch_cuda, torch_eager
from conformance.backends.torch_eager import TorchEager
from conformance.model import Backend, Case, Library, Operation, Results, torch
from oracles.bounded import Arithmetic

DEVICES = {"inductor": "cpu", "inductor_cuda": "cuda"}
CALLERS = "conformance.operations."  # modules whose calls are looked through
SETTINGS = {  # of torch._dynamo.config, whichever there are
    "recompile_limit": 10**6,  # beyond the limit a call would silently be run as it is
    "accumulated_recompile_limit": 10**6,
    "cache_size_limit": 10**6,  # the names before 2.7
    "accumulated_cache_size_limit": 10**6,
    "inline_inbuilt_nn_modules": True,  # a module of the same kind needs no compiling again
    "suppress_errors": False,
}
# By the beginning of their names, operations of which nothing is captured, or too little (torch 2.13).
UNCAPTURED: Mapping[str, str] = {
    "torch.optim.": "its call is a loop of steps around an optimizer, of which a compiler sees dozens of pieces",
    "torch.nn.CrossMapLRN2d": "it calls Tensor.resize_as_, which is not captured",
    "torch.nn.CTCLoss": "the shape of what aten._ctc_loss returns depends on data, and is not captured",
}
KEPT = 100  # compiled functions, before all are forgotten
COUNTED = ("calls", "calls uncompiled", "shapes compiled", "graph breaks")


class _Called(Exception):
    """A module has been called."""


@dataclass
class Tally:
    """What was captured and compiled since it was last read."""

    counts: Counter[str] = field(default_factory=Counter)
    ran: int = 0  # compiled graphs that were run
    made: int = 0  # graphs that were compiled


@dataclass(frozen=True)
class TorchCompile:
    """PyTorch's own functions, compiled; `compiler` is what torch.compile takes as its backend."""

    name: str = "inductor"
    device: str = "cpu"
    compiler: str | Callable[..., Any] = "inductor"
    kin: tuple[str, ...] = ("cpu",)
    reuse: int = 10  # examples for every structure
    patience: float = 5.0  # a kernel in C++ is compiled in seconds
    library: str = "torch"
    refusals: tuple[type[Exception], ...] = torch_eager.REFUSALS  # Dynamo's own are RuntimeErrors
    known_failures: tuple[Path, ...] = field(
        default=(Path(__file__).with_suffix(".toml"), Path(torch_eager.__file__).with_suffix(".toml")), repr=False
    )
    _tally: Tally = field(default_factory=Tally, repr=False, compare=False)
    _entries: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _functional: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @property
    def eager(self) -> TorchEager:
        """The same device without a compiler, as strict as it can be."""
        kind = torch_cuda.TorchCuda if self.device == "cuda" else TorchEager
        return kind(name=self.device, device=self.device)

    @property
    def deterministic(self) -> bool:
        """As without a compiler."""
        return bool(getattr(self.eager, "deterministic", True))

    @property
    def layouts(self) -> tuple[str, ...]:
        """Those of tensors."""
        return self.eager.layouts

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """What there is no kernel for, and where nothing can be compiled."""
        if not operation.takes_arrays:
            return "it computes with plain numbers: there is nothing to compile"
        uncaptured = [reason for beginning, reason in UNCAPTURED.items() if operation.name.startswith(beginning)]
        return uncaptured[0] if uncaptured else self.eager.lacks(operation, dtype)

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """As without a compiler."""
        return self.eager.arithmetic(operation, dtype)

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the operation, compiled, on tensors made of the case's arrays."""
        return self.eager.run(self._compiled(operation, case.dtype), case)

    def pullback(self, operation: Operation, case: Case, dy: np.ndarray) -> Results:
        """Gradients of "output" with the cotangent dy, for every floating input, by the compiled backward pass."""
        return self.eager.pullback(self._compiled(operation, case.dtype), case, dy)

    def tally(self) -> Mapping[str, int]:
        """Counts since this was last asked: of calls, of those that returned without a compiled graph, of shapes that were compiled."""
        counted = {name: self._tally.counts[name] for name in COUNTED}
        self._tally.counts.clear()
        return counted

    def untested(self, counted: Mapping[str, int]) -> str | None:
        """Why calls that were counted so say nothing of the compiler, or None."""
        if counted["calls"] and counted["calls"] == counted["calls uncompiled"]:
            return f"nothing of {counted['calls']} calls was compiled: the library was run as it is"
        return None

    def environment(self) -> Mapping[str, str]:
        """That of the device, and the compiler."""
        compiler = self.compiler if isinstance(self.compiler, str) else getattr(self.compiler, "__name__", type(self.compiler).__name__)
        return {**self.eager.environment(), "compiler": compiler}

    # How a call is compiled.

    def _compiled(self, operation: Operation, dtype: str) -> Operation:
        """The operation, its call compiled."""
        return replace(operation, call=lambda **arguments: self._call(operation, dtype, arguments))

    def _call(self, operation: Operation, dtype: str, arguments: dict[str, Any]) -> Any:
        entry = self._entry((operation.id, dtype))
        tally, ran, made, broken = self._tally, self._tally.ran, self._tally.made, breaks()
        with settings():
            tally.counts["calls"] += 1
            try:
                results = self._through(entry, operation, arguments)
            finally:
                tally.counts["shapes compiled"] += tally.made > made
                tally.counts["graph breaks"] += breaks() - broken
            tally.counts["calls uncompiled"] += tally.ran == ran
            return results

    def _through(self, entry: Callable[..., Any], operation: Operation, arguments: dict[str, Any]) -> Any:
        """The call with its modules, or itself if it calls functions, called through a compiled function."""
        if self._is_functional(operation, arguments):
            with looked_through():
                return entry(operation.call, (), arguments)
        with modules_called_through(entry):
            return operation.call(**arguments)

    def _is_functional(self, operation: Operation, arguments: Mapping[str, Any]) -> bool:
        """Whether the call calls no module; tried on copies, once. Where it cannot be tried it is taken to build one."""
        if operation.id not in self._functional:

            def first(module: Any, *rest: Any, **options: Any) -> Any:
                raise _Called

            copies = {name: value.detach().clone() if torch.is_tensor(value) else value for name, value in arguments.items()}
            try:
                with modules_called_through(first):
                    operation.call(**copies)
            except _Called:
                self._functional[operation.id] = False
            except self.refusals:
                return False
            else:
                self._functional[operation.id] = True
        return self._functional[operation.id]

    def _entry(self, key: Any) -> Callable[..., Any]:
        """The compiled function through which an operation's calls go: one for each operation and dtype, so that it has few kernels."""
        if key not in self._entries:
            if len(self._entries) >= KEPT:
                torch._dynamo.reset()
                self._entries.clear()

            def entry(function: Any, positional: Any, named: Any) -> Any:
                return function(*positional, **named)

            entry.__code__ = entry.__code__.replace(co_name=f"entry_{len(self._entries)}")
            self._entries[key] = torch.compile(entry, backend=self._counting(), dynamic=False)
        found: Callable[..., Any] = self._entries[key]
        return found

    def _counting(self) -> Callable[..., Any]:
        """The compiler, counted: graphs that it makes, and how often they are run."""
        compiler = importlib.import_module("torch._dynamo.backends.registry").lookup_backend(self.compiler)
        tally = self._tally

        def counting(graph: Any, examples: Any) -> Any:
            compiled = compiler(graph, examples)
            if not any(node.op.startswith("call") for node in graph.graph.nodes):
                return compiled
            tally.made += 1

            def run(*arguments: Any) -> Any:
                tally.ran += 1
                return compiled(*arguments)

            return run

        return counting


@contextmanager
def modules_called_through(entry: Callable[..., Any]) -> Iterator[None]:
    """Let a module that is called, and not from inside another one, be called by `entry(module, positional, named)`."""
    kind = torch.nn.Module
    own = kind.__call__

    def called(module: Any, *positional: Any, **named: Any) -> Any:
        kind.__call__ = own
        try:
            return entry(module, positional, named)
        finally:
            kind.__call__ = called

    kind.__call__ = called
    try:
        yield
    finally:
        kind.__call__ = own


@contextmanager
def looked_through() -> Iterator[None]:
    """Let the names of libraries in operations' modules be the libraries themselves: a compiler cannot look through a stand-in."""
    found = []
    for name, module in list(sys.modules.items()):
        if name.startswith(CALLERS):
            found += [(vars(module), key, value) for key, value in vars(module).items() if isinstance(value, Library)]
    for names, key, library in found:
        names[key] = sys.modules.get(library._name, library)
    try:
        yield
    finally:
        for names, key, library in found:
            names[key] = library


@contextmanager
def settings() -> Iterator[None]:
    """Every shape is compiled by itself, in this process, and nothing that cannot be compiled is passed over in silence."""
    dynamo = importlib.import_module("torch._dynamo").config
    inductor = importlib.import_module("torch._inductor").config
    logging.getLogger("torch.__trace").propagate = False  # else pytest shows every step of capturing below a failure
    disabled = logging.root.manager.disable
    logging.disable()  # an invalid call is a case, not news
    with ExitStack() as patched:
        patched.callback(logging.disable, disabled)
        with warnings.catch_warnings(category=FutureWarning, action="ignore"):  # a later version has settings that do nothing
            patched.enter_context(dynamo.patch({name: value for name, value in SETTINGS.items() if hasattr(dynamo, name)}))
            patched.enter_context(inductor.patch(compile_threads=1))
        yield


def breaks() -> int:
    """How often capturing has stopped in the midst of a call, so far."""
    return sum(importlib.import_module("torch._dynamo.utils").counters["graph_break"].values())


@cache
def device_reason(name: str) -> str | None:
    """Why a backend cannot compile here, or None where it can."""
    device = DEVICES[name]
    if (reason := torch_eager.device_reason(device)) is not None:
        return reason
    if importlib.util.find_spec("torch._dynamo") is None:
        return "the installed torch has no compiler"
    if device == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is None:
        return "Inductor needs a compiler of C++: there is no g++, and CXX names none"
    if device == "cuda" and importlib.util.find_spec("triton") is None:
        return "Inductor needs Triton on CUDA: triton is not installed"
    return None


def form(name: str) -> Backend:
    """The backend; what it compiles is kept in a directory of its own among temporary files."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"conformance-inductor-{getpass.getuser()}"))
    return TorchCompile(name=name, device=DEVICES[name])
