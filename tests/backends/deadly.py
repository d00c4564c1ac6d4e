"""Backends that end their process, never come back or are wrong: what a run must survive and a gate must tell."""

from __future__ import annotations

import os
import time

from conformance.backends.torch_eager import TorchEager
from conformance.model import Case, Operation, Results


class Crashing(TorchEager):
    """Dies on every second side."""

    def run(self, operation: Operation, case: Case) -> Results:
        if any(array is not None and 2 in array.shape for array in case.arrays.values()):
            os.abort()
        return super().run(operation, case)


class Hanging(TorchEager):
    """Sleeps on every second side."""

    def run(self, operation: Operation, case: Case) -> Results:
        if any(array is not None and 2 in array.shape for array in case.arrays.values()):
            time.sleep(1000)
        return super().run(operation, case)


class Wrong(TorchEager):
    """Adds one to the first element of every output."""

    def run(self, operation: Operation, case: Case) -> Results:
        results = dict(super().run(operation, case))
        output = results["output"].copy()
        if output.size:
            output.reshape(-1)[0] += 1
        return {**results, "output": output}


class Planted(Wrong):
    """Wrong in ReLU while the environment plants the bug, honest otherwise."""

    def run(self, operation: Operation, case: Case) -> Results:
        planted = os.environ.get("PLANTED") and operation.id == "ReLU"
        return super().run(operation, case) if planted else TorchEager.run(self, operation, case)


def crashing() -> TorchEager:
    """A backend that crashes."""
    return Crashing(name="crashing")


def hanging() -> TorchEager:
    """A backend that hangs."""
    return Hanging(name="hanging")


def wrong() -> TorchEager:
    """A backend that is wrong."""
    return Wrong(name="wrong")


def planted() -> TorchEager:
    """A backend into which a bug can be planted."""
    return Planted(name="planted")
