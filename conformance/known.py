"""Known failures: strict, narrow, linked, versioned exceptions that belong to a backend, each with a witness."""

from __future__ import annotations

import faulthandler
import fnmatch
import inspect
import os
import re
import signal
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from conformance.model import Case, Operation
from conformance.strategies import DTYPES

PATIENCE = 5  # seconds for a witness that may never come back
OPTIONAL: dict[str, Any] = {"requires": dict, "crash": bool, "library": str, "somewhere": bool}
FIELDS: dict[str, Any] = {"test": (str, list), "where": (dict, str), "reason": str, "link": str, "versions": str, "witness": dict}
CIRCUMSTANCES = {"layouts": "layouts", "asked": "asked", "regime": "regime", "from_seed": "seed"}  # of a witness: fields of its case
TEST = re.compile(r"(test_[\w*]+)\[([^\[\]]+)\]")


class KnownFailuresError(ValueError):
    """A known-failures file that cannot be understood; the message says where and why."""


@dataclass(frozen=True)
class KnownFailure:
    """One exception: the test (or several), which of its cases are set aside, why, since when, and a case that must fail.

    `where` is a table of option values, all of which must be equal, or a Python expression over options, arrays and layouts;
    `requires` what the backend's environment must say beside the version, as {amx = "no", capability = ["AVX2", "AVX512"]};
    `crash` says that the witness may end the process, or never come back, so that it is tried in a child, for some seconds; `library`
    names that of the environment whose `versions` are meant, where it is another than the one whose public names the test has. One that
    was seen `somewhere`, on processors that the environment cannot tell from others, or `inherited`, in a backend's kin, holds while the
    witness fails here too.
    """

    test: str | Sequence[str]
    where: Mapping[str, Any] | str
    reason: str
    link: str
    versions: str
    witness: Mapping[str, Any]
    requires: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    crash: bool = False
    library: str = ""
    somewhere: bool = False
    file: str = ""
    inherited: bool = False

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests that this is about, wildcards as they are written."""
        return _several(self.test)

    def names(self, test: str) -> bool:
        """Whether this is about a test such as `test_forward[blur-uint8-opencv]`; both parts may hold wildcards."""
        theirs = TEST.fullmatch(test)
        pairs = [(TEST.fullmatch(ours), theirs) for ours in self.tests]
        return any(ours and theirs and all(fnmatch.fnmatchcase(theirs[i], ours[i]) for i in (1, 2)) for ours, theirs in pairs)

    def is_about(self, backend: str) -> bool:
        """Whether a test of this backend is named."""
        return any(fnmatch.fnmatchcase(backend, test.rpartition("-")[2].rstrip("]")) for test in self.tests)

    def covers(self, library: str, environment: Mapping[str, str]) -> bool:
        """Whether the library's version is in range, and the environment is one in which the failure was seen."""
        version = environment.get(self.library or library)
        in_range = version is None or SpecifierSet(self.versions).contains(version, prereleases=True)
        return in_range and all(environment.get(name) in _several(values) for name, values in self.requires.items())

    def describes(self, case: Case) -> bool:
        """Whether a case is one of those that are set aside; KnownFailuresError for an expression that cannot be asked of it."""
        if isinstance(self.where, str):
            drawn = {"dtype": case.dtype, "regime": case.regime, "layouts": case.layouts, "asked": case.asked}
            with np.errstate(all="ignore"):  # a predicate may compute with special values
                names = {**case.options, **case.arrays, **drawn, "np": np}  # global, so that what is nested in an expression sees them
                try:
                    return bool(eval(self.where, {"__builtins__": SAFE, **names}))
                except Exception as error:  # whatever an expression may raise
                    said = f"{type(error).__name__}: {error}"
                    raise KnownFailuresError(f"{self.file}: the expression “{self.where}” cannot be asked of this case: {said}") from error
        options = {**case.options, "asked": case.asked}
        return all(name in options and _plain(options[name]) == _plain(value) for name, value in self.where.items())

    def witness_of(self, operation: Operation, dtype: str) -> Case:
        """The stored case; names are arrays or options as the oracle's signature has them, or `CIRCUMSTANCES`."""
        signature = inspect.signature(operation.oracle).parameters.values()
        names = [p.name for p in signature if p.kind is p.POSITIONAL_OR_KEYWORD]
        arrays = {name: _array(self.witness.get(name), dtype) for name in names}
        options = {name: _plain(value) for name, value in self.witness.items() if name not in (*names, *CIRCUMSTANCES)}
        said = {field: self.witness[name] for name, field in CIRCUMSTANCES.items() if name in self.witness}
        return Case(arrays, options, dtype, **said)

    @property
    def may_pass(self) -> bool:
        """Whether a witness that passes here only means that nothing is set aside."""
        return self.somewhere or self.inherited

    def still_fails(self, attempt: Callable[[], None]) -> bool:
        """Whether the witness fails, by a disagreement or an error of the library, or by the death of its process."""
        if self.crash:
            return _fails_in_a_child(attempt)
        try:
            attempt()
        except Exception:  # whatever the library raises: the entry says that this case fails
            return True
        return False

    def no_longer_fails(self, operation: Operation, backend: Any) -> str:
        """What to say on the day the witness passes."""
        return (
            f"{operation.name} on {backend.name}: the known failure “{self.reason}” ({self.link}) is fixed: its witness passes. "
            f"Remove the entry {', '.join(self.tests)} from {self.file or 'the known failures'} or narrow its versions ({self.versions})."
        )


def _several(values: str | Sequence[str]) -> tuple[str, ...]:
    """One name, or several."""
    return (values,) if isinstance(values, str) else tuple(values)


def _fails_in_a_child(attempt: Callable[[], None]) -> bool:
    """Whether an attempt raises, ends its process or takes too long; where processes cannot be forked it is taken to fail, untried."""
    if not hasattr(os, "fork"):
        return True
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    status = 1
    try:
        faulthandler.disable()  # the death is expected
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process, also within a call
        signal.alarm(PATIENCE)
        attempt()
        status = 0
    finally:
        os._exit(status)


def _numpy_only(name: str, *rest: Any) -> Any:
    """What NumPy's own methods import when they are first called, under the predicate's built-in names."""
    if name.partition(".")[0] != "numpy":
        raise ImportError(f"a predicate cannot import {name}")
    return __import__(name, *rest)


SAFE: dict[str, Any] = {
    "__import__": _numpy_only,
    "abs": abs,
    "all": all,
    "any": any,
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "isinstance": isinstance,
    "len": len,
}
SAFE |= {
    "max": max,
    "min": min,
    "range": range,
    "round": round,
    "set": set,
    "str": str,
    "sum": sum,
    "tuple": tuple,
    "zip": zip,
}


def _plain(value: Any) -> Any:
    """Options as TOML can hold them: tuples for lists, None for "None"."""
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    return None if value == "None" and isinstance(value, str) else value


def _array(value: Any, dtype: str) -> np.ndarray | None:
    """An array of a witness: nested lists, or {shape, fill} or {values}, each with an optional dtype; absent is None."""
    if value is None or isinstance(value, str):
        return None
    if not isinstance(value, Mapping):
        return np.asarray(value, float).astype(DTYPES[dtype]) if "float" in dtype else np.asarray(value, DTYPES[dtype])
    kind = DTYPES[value.get("dtype", dtype)]
    if "fill" in value:
        return np.full(value["shape"], value["fill"]).astype(kind)
    return np.asarray(value["values"]).astype(kind).reshape(value.get("shape", np.shape(value["values"])))


def read_known_failures(path: Path) -> list[KnownFailure]:
    """The entries of a TOML file; KnownFailuresError with one clear sentence for a file that is missing or malformed."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KnownFailuresError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KnownFailuresError(f"{path}: is not TOML: {error}") from error
    unknown = sorted(set(document) - {"known_failure"})
    if unknown:
        raise KnownFailuresError(f"{path}: knows [[known_failure]] tables only, not {unknown[0]!r}")
    entries = document.get("known_failure", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KnownFailuresError(f"{path}: known failures are written as [[known_failure]] tables")
    return [_entry(entry, f"{path}: entry {number}", str(path)) for number, entry in enumerate(entries, 1)]


def _entry(entry: Mapping[str, Any], place: str, file: str) -> KnownFailure:
    """One checked entry."""
    wrong = [name for name in FIELDS if name not in entry] + [name for name in entry if name not in {**FIELDS, **OPTIONAL}]
    if wrong:
        raise KnownFailuresError(f"{place}: needs exactly the fields {', '.join(FIELDS)}; see {wrong[0]!r}")
    for name, kind in {**FIELDS, **OPTIONAL}.items():
        if name in entry and not isinstance(entry[name], kind):
            raise KnownFailuresError(f"{place}: {name} has the wrong type, {type(entry[name]).__name__}")
    for test in entry["test"] if isinstance(entry["test"], list) else [entry["test"]]:
        if not isinstance(test, str) or not TEST.fullmatch(test):
            raise KnownFailuresError(f"{place}: {test!r} is not of the form test_property[operation-dtype-backend]")
    try:
        SpecifierSet(entry["versions"])
        if isinstance(entry["where"], str):
            compile(entry["where"], "where", "eval")
    except (InvalidSpecifier, SyntaxError) as error:
        raise KnownFailuresError(f"{place}: {error}") from error
    return KnownFailure(**entry, file=file)


def entries_for(test: str, known: Sequence[KnownFailure], library: str, environment: Mapping[str, str]) -> list[KnownFailure]:
    """The entries that are about a test of a library in some environment."""
    return [entry for entry in known if entry.names(test) and entry.covers(library, environment)]


def findings(known: Mapping[str, Sequence[KnownFailure]]) -> str:
    """The known failures of each backend as a table in Markdown: a defect a row, whatever the number of its entries."""
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for backend, entries in known.items():
        for entry in entries:
            who = rows.setdefault((backend, entry.reason, _scope(entry), entry.link), [])
            who += [test.partition("[")[2].partition("-")[0] for test in entry.tests]
    head = "| backend | operations | what is wrong | where | upstream |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {backend} | {', '.join(f'`{name}`' for name in dict.fromkeys(who))} | {_cell(reason)} | {scope} | {_cell(link)} |\n"
        for (backend, reason, scope, link), who in rows.items()
    )


def _scope(entry: KnownFailure) -> str:
    """Versions, and what the environment must say."""
    required = [f"{name} {' or '.join(_several(answers))}" for name, answers in entry.requires.items()]
    return ", ".join([f"`{entry.library} {entry.versions}`".replace("` ", "`"), *required, *(["somewhere"] if entry.somewhere else [])])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
