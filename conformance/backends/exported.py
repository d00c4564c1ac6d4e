"""An operation's call as a model of another runtime: options fixed, arrays as inputs, a session for every structure.

What torch cannot export, or the runtime cannot load, is not asked, and said: see `NotAsked`.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends.torch_eager import TorchEager, tensor_of
from conformance.layouts import LAYOUTS, lay_out
from conformance.model import Case, NotAsked, Operation, Results, torch

Session = Callable[[Mapping[str, np.ndarray]], Sequence[np.ndarray]]
Formed = tuple[Session, list[str]] | NotAsked  # with the names of its results
ALIVE = 32  # sessions that are kept, the latest used
WITHOUT = {
    "laws": "its laws have not been examined on exported models",
    "rejects": "an exported model has no checks of arguments",
    "purity": "an exported model has no in-place form; that it leaves its inputs alone is seen to in every call",
    "state": "an exported model keeps no state",
    "distribution": "an exported model draws no random numbers",
}
READS_VALUES = "might cause the trace to be incorrect"  # torch.jit.TracerWarning, where a call looks at values


@cache
def shapes_as_numbers() -> Any:
    """A mode in which a traced call sees shapes as plain numbers, so that the model is one of fixed shapes; made when torch is there."""
    read = {torch.Tensor.shape.__get__, torch.Tensor.size, torch.Tensor.__len__, torch.Tensor.numel, torch.numel}

    class ShapesAsNumbers(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function not in read:
                return function(*args, **(kwargs or {}))
            state = torch._C._get_tracing_state()
            torch._C._set_tracing_state(None)
            try:
                return function(*args, **(kwargs or {}))
            finally:
                torch._C._set_tracing_state(state)

    return ShapesAsNumbers


@cache
def traced_call() -> type:
    """The class of modules that call an operation, made when torch is there."""

    class TracedCall(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, call: Callable[..., Any], names: Sequence[str], fixed: Mapping[str, Any]) -> None:
            super().__init__()
            self.results: list[str] = []
            self._call = call
            self._names = names
            self._fixed = fixed

        def forward(self, *tensors: Any) -> Any:
            with shapes_as_numbers()():
                found = self._call(**self._fixed, **dict(zip(self._names, tensors, strict=True)))
            by_name = found if isinstance(found, Mapping) else {"output": found}
            self.results[:] = [name for name, result in by_name.items() if torch.is_tensor(result)]
            return tuple(by_name[name] for name in self.results)

    return TracedCall


@dataclass(frozen=True)
class Traceable:
    """A call to export: the module, its example tensors and their names.

    `module` takes the tensors one by one and returns a tuple; `results` are the names of what it returned when it was last called.
    """

    module: Any
    tensors: tuple[Any, ...]
    names: tuple[str, ...]

    @property
    def results(self) -> list[str]:
        """The names of the results, known once it was traced."""
        found: list[str] = self.module.results
        return found


def traceable(operation: Operation, case: Case) -> Traceable:
    """The case's call: its arrays are inputs, everything else is fixed."""
    arrays = {name: array for name, array in case.arrays.items() if array is not None}
    absent = {name: None for name, array in case.arrays.items() if array is None}
    module = traced_call()(operation.call, tuple(arrays), {**absent, **case.options})
    return Traceable(module, tuple(tensor_of(array) for array in arrays.values()), tuple(arrays))


@contextmanager
def tracing() -> Iterator[None]:
    """Let modules take their parameters from outside inside the block: torch.func.functional_call refuses to be traced."""
    inside, kept = torch.nn.utils.stateless, torch.func.functional_call

    def functional_call(module: Any, given: Any, args: Any = (), kwargs: Any = None, **_: Any) -> Any:
        with inside._reparametrize_module(module, given):
            return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))

    torch.func.functional_call = functional_call
    try:
        yield
    finally:
        torch.func.functional_call = kept


def structure(value: Any) -> Any:
    """What a model is fixed to, as something to look up by: of options and the operation's call."""
    if isinstance(value, np.ndarray):
        return (value.dtype.name, value.shape, value.tobytes())
    if isinstance(value, Mapping):
        return tuple((name, structure(item)) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *map(structure, value))
    return value if callable(value) else repr(value)


@dataclass(frozen=True)
class Exported:
    """Operations of torch, exported to a runtime; `load` makes a session of a call, and raises whatever it raises."""

    name: str
    library: str = "torch"
    refusals: tuple[type[Exception], ...] = ()
    layouts: tuple[str, ...] = tuple(LAYOUTS)  # of NumPy's arrays, as they are handed over
    without: Mapping[str, str] = field(default_factory=lambda: WITHOUT, hash=False)
    known_failures: Path | None = field(default=None, repr=False)
    examined: frozenset[str] | None = field(default=None, repr=False)  # operations that are asked, in float32; None: all
    libraries: tuple[str, ...] = ()  # beside torch, whose versions matter
    telling: tuple[str, ...] = ()  # what a line of a long refusal has in it that says why; the earlier the better
    sessions: OrderedDict[Any, Formed] = field(default_factory=OrderedDict, repr=False, hash=False)
    reading_values: set[Any] = field(default_factory=set, repr=False, hash=False)  # structures whose calls look at values

    def load(self, call: Traceable) -> Session:
        """A session of the runtime: arrays by name in, the results in order out."""
        raise NotImplementedError

    def lacks(self, operation: Operation, dtype: str) -> str | None:
        """Operations that are no function of arrays, and what has not been examined."""
        if not (operation.takes_arrays and operation.pure):
            return "it is no function of arrays that a model could compute"
        if operation.chances:
            return "it draws random numbers"
        if self.examined is not None and dtype != "float32":
            return f"its {dtype} has not been examined"
        if self.examined is not None and operation.id not in self.examined:
            return "the operation has not been examined on it"
        return TorchEager().lacks(operation, dtype)  # what torch cannot call it cannot trace

    def environment(self) -> Mapping[str, str]:
        """Versions of the runtime, of what it needs, and of torch."""
        versions = {name: importlib.import_module(name).__version__.partition("-")[0] for name in self.libraries}
        return {**versions, "torch": torch.__version__.partition("+")[0]}

    def run(self, operation: Operation, case: Case) -> Results:
        """Run the model of the call on the case's arrays, as they lie in NumPy's memory."""
        session, names = self.session(operation, case)
        given = {name: lay_out(a, case.layouts.get(name, "contiguous")) for name, a in case.arrays.items() if a is not None}
        before = {name: array.copy() for name, array in given.items()}
        results = dict(zip(names, session(given), strict=True))
        for name, array in before.items():
            if array.tobytes() != given[name].tobytes():
                raise RuntimeError(f"the model wrote over its input {name}")
        return {name: np.array(result) for name, result in results.items()}

    def session(self, operation: Operation, case: Case) -> tuple[Session, list[str]]:
        """The session for the case's structure, and the names of its results; for its values too where the call reads them."""
        shapes = {name: None if array is None else (array.dtype.name, array.shape) for name, array in case.arrays.items()}
        key = (operation.call, structure(shapes), structure(case.options))
        with_values = (*key, structure(case.arrays)) if key in self.reading_values else key
        if with_values not in self.sessions:
            found, reads_values = self.formed(traceable(operation, case))
            if reads_values:
                self.reading_values.add(key)
                with_values = (*key, structure(case.arrays))
            self.sessions[with_values] = found
            if len(self.sessions) > ALIVE:
                self.sessions.popitem(last=False)
        self.sessions.move_to_end(with_values)
        found = self.sessions[with_values]
        if isinstance(found, NotAsked):
            raise found
        return found

    def formed(self, call: Traceable) -> tuple[Formed, bool]:
        """What a call is exported and loaded to, and whether it looked at values."""
        try:
            with tracing(), warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                session = self.load(call)
        except NotAsked as reason:
            return reason, False
        except Exception as error:  # exporters and runtimes refuse by exceptions of every kind
            return NotAsked(sentence(error, self.telling)), False
        return (session, call.results), any(READS_VALUES in str(warning.message) for warning in said)


def sentence(error: Exception, telling: Sequence[str] = ()) -> str:
    """What an exporter or a runtime says of a call that it cannot take: the line that tells most, else the first, and who says it."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip(" -")]
    found = [line for mark in telling for line in lines if mark in line] + lines
    return f"{type(error).__name__}: {found[0]}"[:240] if found else type(error).__name__


def not_installed(libraries: Sequence[str], extra: str) -> str | None:
    """Which of the libraries is missing, and the extra that brings it, or None where all are there."""
    missing = [library for library in libraries if importlib.util.find_spec(library) is None]
    return f"{missing[0]} is not installed (the extra “{extra}”)" if missing else None
