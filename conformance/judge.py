"""One call with arrays of your own: does a result conform, which element is worst, how much of the accepted error was used?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.grid import Misuse
from conformance.judgement import Disagreement, Ledger, assert_accepted, expected, named, recording
from conformance.model import Case, Operation
from conformance.operations import all_operations
from conformance.strategies import DTYPES
from oracles.bounded import Arithmetic, ieee


@dataclass(frozen=True)
class Judgement:
    """Whether a result conforms; the sentence about its worst element if not; the largest used share of the accepted error."""

    conforms: bool
    sentence: str
    used: float

    def __bool__(self) -> bool:
        return self.conforms


@dataclass(frozen=True)
class _Declared:
    """The arithmetic that a result is judged by, in the place of a backend."""

    by: Arithmetic
    name: str = "judge"

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        return self.by


def operation_of(name: str) -> Operation:
    """The operation of an id or a public name; Misuse where there is none, or several.

    A public name means the operation itself, not the compositions that are named after it.
    """
    found = [operation for operation in all_operations() if name in (operation.id, operation.name)]
    found = [operation for operation in found if not operation.variant] or found
    if len(found) != 1:
        several = f"{name!r} names {', '.join(o.id for o in found)}: choose one" if found else f"no operation is called {name!r}"
        raise Misuse(f"{several}; `conformance list` prints those that exist")
    return found[0]


def judge(
    operation: str, arrays: Mapping[str, Any], options: Mapping[str, Any], result: Any, *, arithmetic: Arithmetic | None = None
) -> Judgement:
    """Judge the result of one call.

    operation    an id or public name, as "torch.nn.Conv2d"
    arrays       NumPy arrays by the oracle's parameter names; those left out are None
    options      plain options by the library's names; those left out have the oracle's defaults
    result       the array that came out, or several by name ("output", …)
    arithmetic   what the library promises; without it IEEE arithmetic of the result's dtype, sums in any order

    Raises Misuse for an unknown operation, array or option.
    """
    noun = operation_of(operation)
    case = _case(noun, arrays, options, named(result))
    observed = {name: np.asarray(value) for name, value in named(result).items()}
    ledger = Ledger()
    try:
        with recording(ledger):
            assert_accepted(observed, expected(noun, case, _Declared(arithmetic or ieee(case.dtype)), observed))  # type: ignore[arg-type]
    except Disagreement as failure:
        return Judgement(False, str(failure), float("inf"))
    return Judgement(True, f"every element is accepted; {ledger.budget:.2%} of the error is used at most", ledger.budget)


def outside(
    operation: str, arrays: Mapping[str, Any], options: Mapping[str, Any], one: Any, other: Any, *, arithmetic: Arithmetic | None = None
) -> str:
    """Of two results that differ, which one rounding cannot explain, in a sentence."""
    verdicts = [judge(operation, arrays, options, result, arithmetic=arithmetic) for result in (one, other)]
    if all(verdicts):
        return "both results conform: they differ by rounding"
    if not any(verdicts):
        return f"neither result conforms: of the first, {verdicts[0].sentence}; of the second, {verdicts[1].sentence}"
    wrong = verdicts.index(next(verdict for verdict in verdicts if not verdict))
    return f"the {('first', 'second')[wrong]} result is outside: {verdicts[wrong].sentence}"


def _case(noun: Operation, arrays: Mapping[str, Any], options: Mapping[str, Any], results: Mapping[str, Any]) -> Case:
    """The case of a call, with every name checked against the oracle's signature."""
    parameters = inspect.signature(noun.oracle).parameters.values()
    named_arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    named_options = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "observed"]
    for what, given, known in (("array", arrays, named_arrays), ("option", options, named_options)):
        unknown = [name for name in given if name not in known]
        if unknown:
            raise Misuse(f"{noun.name} has no {what} {unknown[0]!r}: it has {', '.join(known) or 'none'}")
    missing = [p.name for p in parameters if p.name in named_arrays and p.default is p.empty and p.name not in arrays]
    if missing:
        raise Misuse(f"{noun.name} needs the array {missing[0]!r}")
    by_name = {name: None if arrays.get(name) is None else np.asarray(arrays[name]) for name in named_arrays}
    first = next(iter(results.values()))
    dtype = np.asarray(first).dtype.name
    if dtype not in DTYPES:
        raise Misuse(f"a result of dtype {dtype} cannot be judged: it is none of {', '.join(DTYPES)}")
    return Case(by_name, dict(options), dtype, regime="given")
