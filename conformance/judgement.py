"""Is it a bug, or is it rounding? One call judged by its oracle, element by element."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.model import Backend, Case, Operation, Results
from conformance.strategies import DTYPES
from oracles.bounded import as_input


class Disagreement(AssertionError):
    """The library's result is not one that the mathematics and the declared arithmetic can explain."""

    def __init__(
        self,
        sentence: str,
        *,
        result: str = "",
        index: tuple[int, ...] = (),
        accepted: str = "",
        case: Case | None = None,
    ) -> None:
        super().__init__(sentence)
        self.result, self.index, self.accepted, self.case = result, index, accepted, case
        self.dy: np.ndarray | None = None


@dataclass
class Ledger:
    """What was seen while a property was searched: the present case, which options, how much of the error was used."""

    case: Case | None = None
    known: Sequence[Any] = ()  # known failures that set cases aside, also those that a property makes itself
    holding: list[Any] = field(default_factory=list)  # known failures whose witness fails
    examples: int = 0
    elements: int = 0
    free: int = 0
    budget: float = 0.0
    budgets: list[float] = field(default_factory=list)
    coverage: dict[str, Counter[str]] = field(default_factory=dict)
    unasked: Counter[str] = field(default_factory=Counter)  # sentences of the backend about cases that it could not be asked
    cases: int = 0  # a checksum of what was drawn …
    bits: int = 0  # … and one of what the library made of it

    def enter(self, case: Case) -> None:
        """Count a case and the options that it was drawn with."""
        self.case, self.examples = case, self.examples + 1
        self.cases = zlib.crc32(repr(case).encode(), self.cases)
        for array in case.arrays.values():
            self.cases = zlib.crc32(b"" if array is None else array.tobytes(), self.cases)
        for name, value in {"regime": case.regime, **case.options}.items():
            if isinstance(value, (bool, int, str, tuple, type(None))):
                self.coverage.setdefault(name, Counter())[str(value)] += 1

    def judged(self, observed: np.ndarray, used: np.ndarray, free: np.ndarray) -> None:
        """Count judged elements and the largest used share of the accepted error."""
        self.bits = zlib.crc32(observed.tobytes(), self.bits)
        self.elements += used.size
        self.free += int(np.count_nonzero(free))
        if used.size and np.isfinite(used).all():  # what was rejected is a failure, not a share
            self.budgets.append(float(used.max()))
            self.budget = max(self.budget, self.budgets[-1])


_present: ContextVar[Ledger] = ContextVar("ledger")


@contextmanager
def recording(ledger: Ledger) -> Iterator[None]:
    """Let `ledger` see what is judged inside the block."""
    token = _present.set(ledger)
    try:
        yield
    finally:
        _present.reset(token)


def set_aside(case: Case) -> bool:
    """Whether a case that a property has made itself is one of a known failure."""
    ledger = _present.get(None)
    return ledger is not None and any(entry.describes(case) for entry in ledger.known)


def named(results: Any) -> dict[str, Any]:
    """Results by name: a single one is called "output"."""
    return dict(results) if isinstance(results, Mapping) else {"output": results}


def balls(operation: Operation, case: Case, backend: Backend, arithmetic: Any = None) -> dict[str, Any]:
    """The case's arrays as an oracle takes them: data as exact balls; indices, masks and None as they are."""
    by = arithmetic or backend.arithmetic(operation, case.dtype)
    own = DTYPES[case.dtype]

    def ball(name: str, array: np.ndarray | None) -> Any:
        data = array is not None and name not in operation.plain and (array.dtype == own or array.dtype.kind == "f")
        return as_input(array, by) if data else array

    return {name: ball(name, array) for name, array in case.arrays.items()}


class Expectation:
    """What an oracle accepts, formulation by formulation, computed only as far as it is needed."""

    def __init__(self, formulations: Iterator[Mapping[str, Any]], dtypes: Mapping[str, str], own: str) -> None:
        self._formulations = formulations
        self.first = next(formulations)
        self._dtypes, self._own = dtypes, own

    def further(self) -> Iterator[Mapping[str, Any]]:
        """The formulations after the first."""
        yield from self._formulations

    def dtype(self, result: str) -> str:
        """The dtype that a result must have, or "any"."""
        return self._dtypes.get(result, self._own)


def expected(operation: Operation, case: Case, backend: Backend, observed: Results | None = None) -> Expectation:
    """What the operation's oracle accepts on a backend's arithmetic; `observed` for oracles that follow the subject's own state."""
    followed = {"observed": observed} if operation.follows_subject else {}
    return _expectation(operation.oracle, (), operation, case, backend, followed)


def expected_gradient(operation: Operation, case: Case, backend: Backend, dy: np.ndarray, observed: Results | None = None) -> Expectation:
    """The same for the gradient, by input name, dy (the output's shape) the cotangent."""
    followed = {"observed": observed} if operation.follows_subject else {}
    assert operation.gradient is not None
    return _expectation(operation.gradient, (dy,), operation, case, backend, followed)


def _expectation(
    oracle: Callable[..., Any],
    cotangents: tuple[np.ndarray, ...],
    operation: Operation,
    case: Case,
    backend: Backend,
    followed: Mapping[str, Any],
) -> Expectation:
    declared = backend.arithmetic(operation, case.dtype)
    arithmetics = [declared, declared.as_composite()] if declared.composite else [declared]

    def formulations() -> Iterator[Mapping[str, Any]]:
        for by in arithmetics:
            for formulation in (oracle, *getattr(oracle, "formulations", ())):
                arrays = balls(operation, case, backend, by)
                yield named(formulation(*(as_input(dy, by) for dy in cotangents), **arrays, **case.options, **followed))

    return Expectation(formulations(), operation.result_dtypes if not cotangents else {}, case.dtype)


def assert_accepted(observed: Results, expectation: Expectation) -> None:
    """Raise Disagreement, with the worst element, unless every element of every result is accepted by some formulation."""
    missing = sorted(set(expectation.first) - set(observed))
    if missing:
        raise Disagreement(f"there is no result {missing[0]!r}, only {', '.join(observed) or 'nothing'}")
    for name, accepted in expectation.first.items():
        assert_well_formed(name, observed[name], tuple(accepted.shape), expectation.dtype(name))
    rejected = _rejected(observed, expectation)
    for name, wrong in rejected.items():
        if wrong.any():
            raise _worst(name, observed[name], expectation.first[name], wrong)


def assert_well_formed(name: str, actual: np.ndarray, shape: tuple[int, ...], dtype: str) -> None:
    """Raise Disagreement unless a result has the shape and the dtype that it must have."""
    if tuple(actual.shape) != shape:
        raise Disagreement(f"{name} has the shape {tuple(actual.shape)}, it must be {shape}", result=name)
    if dtype not in ("any", actual.dtype.name):
        raise Disagreement(f"{name} has the dtype {actual.dtype.name}, it must be {dtype}", result=name)


def _rejected(observed: Results, expectation: Expectation) -> dict[str, np.ndarray]:
    """Per result, the elements that no formulation accepts."""
    rejected, used = {}, {}
    for name, accepted in expectation.first.items():
        rejected[name] = ~accepted.accepts(observed[name])
        used[name] = accepted.used(observed[name])
    if any(wrong.any() for wrong in rejected.values()):
        for formulation in expectation.further():
            for name, wrong in rejected.items():
                if not wrong.any():
                    continue
                accepted = formulation[name]
                used[name] = np.where(wrong, accepted.used(observed[name]), used[name])
                rejected[name] = wrong & ~accepted.accepts(observed[name])
            if not any(wrong.any() for wrong in rejected.values()):
                break
    ledger = _present.get(None)
    if ledger is not None:
        for name, accepted in expectation.first.items():
            ledger.judged(observed[name], used[name], accepted.free)
    return rejected


def _worst(name: str, actual: np.ndarray, accepted: Any, wrong: np.ndarray) -> Disagreement:
    """The disagreement about the first rejected element."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f"{name}[{', '.join(map(str, index))}]" if index else name
    others = int(wrong.sum()) - 1
    more = f"; {others} more of {wrong.size} elements are outside" if others else ""
    value = actual[index]
    shown = repr(float(value)) if actual.dtype.kind in "fV" else str(value)
    description = accepted.describe(index)
    return Disagreement(f"{where} is {shown}, accepted is {description}{more}", result=name, index=index, accepted=description)


@dataclass(frozen=True)
class Trial:
    """What a law may ask: the library's results for a case, and what the oracle accepts."""

    operation: Operation
    backend: Backend

    def run(self, case: Case) -> Results:
        """The library's results by name."""
        return self.backend.run(self.operation, case)

    def expected(self, case: Case) -> Mapping[str, Any]:
        """The accepted sets by name, of the first formulation."""
        observed = self.run(case) if self.operation.follows_subject else None
        return expected(self.operation, case, self.backend, observed).first
