"""Which tests there are: operations × dtypes × backends, for every property that can be asked of them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from conformance import backends
from conformance.harness import Property
from conformance.known import KnownFailure, KnownFailuresError, entries_for, read_known_failures
from conformance.model import Backend, Operation
from conformance.operations import all_operations
from conformance.strategies import DTYPES


class Misuse(ValueError):
    """Something that a user asked for does not exist; the message is one clear sentence."""


class Pair(NamedTuple):
    """One test: what is asked of whom."""

    operation: Operation
    dtype: str
    backend: Backend

    @property
    def id(self) -> str:
        """The part of the test id in brackets."""
        return f"{self.operation.id}-{self.dtype}-{self.backend.name}"


@dataclass(frozen=True)
class Grid:
    """What a run was asked for; Misuse where a part of it matches nothing."""

    backend_names: Sequence[str] = ()
    operation_globs: Sequence[str] = ()
    dtype_names: Sequence[str] = ()
    known_failure_files: Sequence[str] = ()

    @cached_property
    def backends(self) -> tuple[Backend, ...]:
        """The subjects: those named, or every one that can be formed here."""
        try:
            formed = tuple(backends.form(name) for name in self.backend_names or backends.default())
        except backends.NoSuchBackend as error:
            raise Misuse(str(error)) from error
        if not formed:
            raise Misuse("no backend can be formed here: neither torch nor cv2 is installed")
        return formed

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations whose id or public name matches a glob, or all of them."""
        every = all_operations()
        for glob in self.operation_globs:
            if not any(_matches(operation, glob) for operation in every):
                raise Misuse(f"no operation matches {glob!r}; `conformance list` prints those that exist")
        chosen = self.operation_globs or ("*",)
        return tuple(operation for operation in every if any(_matches(operation, glob) for glob in chosen))

    @cached_property
    def dtypes(self) -> frozenset[str]:
        """The dtypes asked for, or all."""
        for name in self.dtype_names:
            if name not in DTYPES:
                raise Misuse(f"unknown dtype {name!r}: it is none of {', '.join(DTYPES)}")
            if not any(name in operation.dtypes for operation in self.operations):
                raise Misuse(f"no selected operation takes the dtype {name}")
        return frozenset(self.dtype_names or DTYPES)

    @cached_property
    def known(self) -> dict[str, list[KnownFailure]]:
        """The known failures of each backend by its name, with those of the files given."""
        try:
            given = [entry for file in self.known_failure_files for entry in read_known_failures(Path(file))]
            files = {b.name: getattr(b, "known_failures", None) or () for b in self.backends}
            own = {name: [paths] if isinstance(paths, (str, Path)) else paths for name, paths in files.items()}
            return {name: [entry for path in paths for entry in read_known_failures(Path(path))] + given for name, paths in own.items()}
        except KnownFailuresError as error:
            raise Misuse(str(error)) from error

    @cached_property
    def environments(self) -> Mapping[str, Mapping[str, str]]:
        """What each backend says of its versions and its processor, by its name."""
        said: Mapping[str, Any] = {b.name: getattr(b, "environment", dict)() for b in self.backends}
        return {name: {str(key): str(value) for key, value in environment.items()} for name, environment in said.items()}

    def check(self) -> None:
        """Raise Misuse where anything that was asked for does not exist."""
        for part in (self.backends, self.operations, self.dtypes, self.known):
            assert part is not None

    def pairs(self, declared: Property) -> Iterator[Pair]:
        """The tests of a property."""
        for operation in self.operations:
            for backend in self.backends:
                if self.empty(declared, operation, backend) is None:
                    for dtype in self._dtypes(declared, operation):
                        if not _lacking(backend, operation, dtype):
                            yield Pair(operation, dtype, backend)

    def empty(self, declared: Property, operation: Operation, backend: Backend) -> str | None:
        """Why a property has no test for an operation on a backend, or None where it has."""
        if operation.library != backend.library:
            return f"{backend.name} is a backend of {backend.library}"
        reason = getattr(backend, "without", {}).get(declared.name) or declared.applies(operation, backend)
        if reason:
            return reason
        dtypes = self._dtypes(declared, operation)
        if not dtypes:
            return f"it is not asked in {', '.join(sorted(self.dtypes))}"
        lacking = [_lacking(backend, operation, dtype) for dtype in dtypes]
        return lacking[0] if all(lacking) else None

    def _dtypes(self, declared: Property, operation: Operation) -> list[str]:
        asked = [dtype for dtype in operation.dtypes if dtype in self.dtypes]
        leading = declared.dtypes(operation)
        return [dtype for dtype in asked if dtype in leading] or ([] if declared.every_dtype else asked[:1])

    def entries(self, declared: Property, pair: Pair) -> list[KnownFailure]:
        """The known failures that are about a test of this backend, and those that it inherits from its kin."""
        known, environment = self.known[pair.backend.name], self.environments[pair.backend.name]

        def about(name: str) -> list[KnownFailure]:
            test = f"test_{declared.name}[{pair.operation.id}-{pair.dtype}-{name}]"
            return entries_for(test, known, pair.backend.library, environment)

        own = about(pair.backend.name)
        inherited = {id(entry): entry for name in getattr(pair.backend, "kin", ()) for entry in about(name)}
        mine = {id(entry) for entry in own}
        return own + [replace(entry, inherited=True) for key, entry in inherited.items() if key not in mine]


def _matches(operation: Operation, glob: str) -> bool:
    return fnmatch.fnmatchcase(operation.id, glob) or fnmatch.fnmatchcase(operation.name, glob)


def _lacking(backend: Backend, operation: Operation, dtype: str) -> str | None:
    lacks: Any = getattr(backend, "lacks", None)
    return lacks(operation, dtype) if lacks else None
