"""From a property, an operation, a dtype and a backend to a verdict.

`for_every_case` declares a property, `search` looks for a case that breaks it.
"""

from __future__ import annotations

import math
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import FlakyFailure, Unsatisfiable
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import SearchStrategy

from conformance.judgement import Disagreement, Ledger, recording
from conformance.known import KnownFailure, KnownFailuresError
from conformance.memory import unwritten_memory_shows
from conformance.model import Backend, Case, NotAsked, Operation
from conformance.reproducer import script
from conformance.structures import few_structures
from conformance.witness import draft

TRIES = 3  # before a case that is seen on a screen counts as broken: under load a window may never hear that it is there, and stays black
LEADING = ("float32", "uint8")  # where a verb needs one dtype only: the first of these, or the operation's own


def always(operation: Operation, backend: Backend) -> str | None:
    """Every pair can be formed."""
    return None


def cases_of(operation: Operation, dtype: str, backend: Backend) -> SearchStrategy[Case]:
    """The operation's own cases."""
    return operation.cases(dtype)


@dataclass(frozen=True)
class Property:
    """A verb: what must hold for every case, and for which pairs of operation and backend it can be asked.

    `applies` gives the reason why a pair cannot be formed, or None; `every_dtype` says whether each dtype gets a test or one stands
    for all; `share` is the part of the profile's examples that it gets.
    """

    name: str
    check: Callable[[Operation, Case, Backend], None]
    applies: Callable[[Operation, Backend], str | None] = always
    cases: Callable[[Operation, str, Backend], SearchStrategy[Case]] = cases_of
    every_dtype: bool = False
    share: float = 1.0

    def dtypes(self, operation: Operation) -> tuple[str, ...]:
        """The dtypes in which the operation is asked."""
        one_of = (operation.leading,) if operation.leading else LEADING
        leading = [dtype for dtype in operation.dtypes if dtype in one_of] or list(operation.dtypes)
        return operation.dtypes if self.every_dtype else tuple(leading[:1])


def for_every_case(**declared: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare the property that a test function states for one case; keywords as the fields of Property.

    The plugin makes one test of it for every operation, dtype and backend that it applies to.
    """

    def declare(check: Callable[..., None]) -> Callable[..., None]:
        def test(operation: Operation, dtype: str, backend: Backend, verdict_of: Callable[..., None]) -> None:
            verdict_of(test.property, operation, dtype, backend)  # type: ignore[attr-defined]

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        test.property = Property(check.__name__.removeprefix("test_"), check, **declared)  # type: ignore[attr-defined]
        return test

    return declare


@dataclass
class Verdict:
    """What a search found; `outcome` is passed, failed, known, fixed or unasked (crashed and timeout are seen from outside)."""

    outcome: str = "passed"
    examples: int = 0
    budget: float = 0.0
    typical: float = 0.0  # the median over cases of the largest used share
    free: float = 0.0  # the part of the elements for which anything was accepted
    seconds: float = 0.0
    message: str = ""
    reproducer: str = ""
    case: dict[str, Any] = field(default_factory=dict)  # of a failure, as a known failure would store it
    coverage: dict[str, dict[str, int]] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)  # what the backend counted, by name
    unasked: dict[str, int] = field(default_factory=dict)  # cases that could not be asked, by what the backend said
    digest: str = ""  # of the cases and their data, and of the results that were judged, but for witnesses: two runs are compared by it


def search(
    declared: Property,
    operation: Operation,
    dtype: str,
    backend: Backend,
    *,
    examples: int,
    seed: int = 0,
    known: Sequence[KnownFailure] = (),
    before: Callable[[Case], None] = lambda case: None,
    shrink: bool = True,
) -> Verdict:
    """Look for a case that breaks a property, through `examples` cases (times the shares) from `seed`.

    Witnesses of `known` failures run first; cases that they describe are set aside. `before` sees every case before the library does.
    """
    unwritten_memory_shows()
    ledger, started = Ledger(), time.perf_counter()

    def trial(case: Case) -> None:
        ledger.enter(case)
        before(case)
        bits = ledger.bits
        for left in reversed(range(TRIES if operation.needs == "display" else 1)):
            try:
                with recording(ledger):
                    return declared.check(operation, case, backend)
            except NotAsked as reason:
                ledger.unasked[str(reason)] += 1
                return None
            except Exception:
                if not left:
                    raise
                ledger.bits = bits

    verdict, tally = Verdict(), getattr(backend, "tally", dict)
    tally()
    failure = _first_failure(trial, ledger, declared, operation, dtype, backend, examples, seed, known, shrink)
    if isinstance(failure, KnownFailure):
        verdict.outcome, verdict.message = "fixed", failure.no_longer_fails(operation, backend)
    elif failure is not None:
        case = getattr(failure, "case", None) or ledger.case
        if case is None:  # nothing was asked of the library, so that it is no verdict about it
            raise failure
        verdict.outcome = "failed"
        verdict.message = sentence(failure, operation, case, backend)
        verdict.reproducer = script(declared.name, operation, case, backend, failure)
        verdict.case = draft(case)
    elif ledger.holding:
        verdict.outcome, verdict.message = "known", "; ".join(f"{entry.reason} ({entry.link})" for entry in ledger.holding)
    elif ledger.unasked.total() == ledger.examples > 0:
        ((often, _),) = ledger.unasked.most_common(1)
        verdict.outcome, verdict.message = "unasked", f"{operation.name} on {backend.name}, {dtype}: no case could be asked: {often}"
    verdict.tally = dict(tally())
    untested = backend.untested(verdict.tally) if verdict.outcome in ("passed", "known") and hasattr(backend, "untested") else None
    if untested:
        verdict.outcome, verdict.message = "failed", f"{operation.name} on {backend.name}, {dtype}: {untested}"
    verdict.examples, verdict.budget, verdict.unasked = ledger.examples, ledger.budget, dict(ledger.unasked)
    verdict.typical = median(ledger.budgets) if ledger.budgets else 0.0
    verdict.free = ledger.free / ledger.elements if ledger.elements else 0.0
    verdict.coverage = {name: dict(counter) for name, counter in ledger.coverage.items()}
    verdict.digest = f"{ledger.cases:08x}:{ledger.bits:08x}"
    verdict.seconds = time.perf_counter() - started
    return verdict


def ignore_warnings_of_the_library() -> None:
    """Let a library warn as it likes: where warnings are errors, a witness would fail by one. NumPy's own are RuntimeWarnings."""
    for category in (UserWarning, FutureWarning, DeprecationWarning):
        warnings.simplefilter("ignore", category)


@contextmanager
def only_the_seed_decides() -> Iterator[None]:
    """Draw the same cases wherever a seed is used: Hypothesis also draws numbers that it reads in whatever local modules are imported."""
    inside: Any = providers
    reader = getattr(inside, "_get_local_constants", None)
    if reader is None:  # earlier versions read none
        yield
        return
    inside._get_local_constants = inside.Constants
    inside.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        inside._get_local_constants = reader
        inside.CONSTANTS_CACHE.cache.clear()


def _first_failure(
    trial: Callable[[Case], None],
    ledger: Ledger,
    declared: Property,
    operation: Operation,
    dtype: str,
    backend: Backend,
    examples: int,
    seed: int,
    known: Sequence[KnownFailure],
    shrink: bool,
) -> Exception | KnownFailure | None:
    """The failure that remains after shrinking, or the known failure whose witness passes."""
    for entry in known:
        ledger.known = [other for other in known if other.crash and other is not entry]
        with warnings.catch_warnings():
            ignore_warnings_of_the_library()
            if entry.still_fails(partial(trial, entry.witness_of(operation, dtype))):
                ledger.holding.append(entry)
            elif not entry.may_pass:
                return entry
    ledger.known = known = ledger.holding
    ledger.cases = ledger.bits = 0  # each version has witnesses of its own; what is known to be wrong may be memory that no one wrote
    cases, narrow = declared.cases(operation, dtype, backend), getattr(backend, "narrow", None)
    cases = cases.map(partial(narrow, operation)) if narrow else cases
    most, reuse = max(1, round(examples * declared.share * operation.share)), getattr(backend, "reuse", 1)
    if reuse > 1:
        cases = few_structures(cases, math.ceil(most / reuse), seed + zlib.crc32(operation.id.encode()))

    @hypothesis.seed(seed + zlib.crc32(f"{declared.name} {operation.id} {dtype}".encode()))
    @hypothesis.settings(
        max_examples=most,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(cases)
    def every(case: Case) -> None:
        hypothesis.assume(not any(entry.describes(case) for entry in known))
        trial(case)

    try:
        with only_the_seed_decides(), warnings.catch_warnings():
            ignore_warnings_of_the_library()
            every()
    except FlakyFailure as failure:
        if operation.needs == "display":  # it was seen after all
            return None
        return Disagreement(f"failed, and passed when the same case was run again: {failure.exceptions[0]}")
    except Unsatisfiable:
        if not known:
            raise
    except Exception as failure:  # whatever the library raises on a valid case is the verdict
        return failure
    return None


def sentence(failure: Exception, operation: Operation, case: Case, backend: Backend) -> str:
    """What went wrong, on what, in words that a backend author can act on."""
    own = isinstance(failure, (Disagreement, KnownFailuresError))
    what = str(failure) if own else f"raised {type(failure).__name__}: {failure}".rstrip()
    source = (operation.oracle.__doc__ or "").rpartition("Source:")[2].strip()
    lines = [f"{operation.name} on {backend.name}, {case.dtype}: {what}", f"the case: {case!r}"]
    return "\n".join([*lines, f"the mathematics: {source}"] if source else lines)
