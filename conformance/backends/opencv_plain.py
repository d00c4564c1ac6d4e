"""OpenCV without what depends on the processor: no vectors beyond the baseline of the build, no IPP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.backends.opencv import OpenCV
from conformance.model import Backend, Case, Operation, Results, cv2
from oracles.bounded import Arithmetic


@contextmanager
def plain() -> Iterator[None]:
    """Switch both off inside the block."""
    optimized, ipp = cv2.useOptimized(), cv2.ipp.useIPP()
    cv2.setUseOptimized(False)
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        cv2.setUseOptimized(optimized)
        cv2.ipp.setUseIPP(ipp)


@dataclass(frozen=True)
class PlainOpenCV(OpenCV):
    """The cv2 module of this environment, as it is on a processor that it knows nothing of."""

    name: str = "opencv_plain"
    kin: tuple[str, ...] = ("opencv",)

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """The same, switched off."""
        with plain():
            return super().arithmetic(operation, dtype)

    def run(self, operation: Operation, case: Case) -> Results:
        """The same call, switched off."""
        with plain():
            return super().run(operation, case)

    def environment(self) -> Mapping[str, str]:
        """The same, switched off."""
        with plain():
            return super().environment()


def form(name: str) -> Backend:
    """The backend."""
    return PlainOpenCV(name=name)
