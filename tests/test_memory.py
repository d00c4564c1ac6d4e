"""Memory that no one has written shows, in every run."""

import numpy as np
import pytest

from conformance.backends.torch_eager import TorchEager
from conformance.harness import search
from conformance.memory import PATTERN, unwritten_memory_shows
from conformance.operations import all_operations
from conformance.test_forward import test_forward as forward

OPERATIONS = {operation.id: operation for operation in all_operations()}

needs_the_pattern = pytest.mark.skipif(not unwritten_memory_shows(), reason="this C library does not fill memory")


class Unwritten(TorchEager):
    """Leaves the last element of every result as it lies in memory, where it mostly is 0 because no one has used it before."""

    def run(self, operation, case):
        results = dict(super().run(operation, case))
        output = results["output"]
        room = np.empty(output.size + 4096, output.dtype)[: output.size].reshape(output.shape)
        room.reshape(-1)[: max(0, output.size - 1)] = output.reshape(-1)[: max(0, output.size - 1)]
        return {**results, "output": room}


@needs_the_pattern
def test_what_is_handed_out_is_filled():
    assert np.all(np.empty(9999, np.uint8) == 0xFF ^ PATTERN)


@needs_the_pattern
def test_an_element_that_no_one_writes_is_found():
    verdict = search(forward.property, OPERATIONS["ReLU"], "float32", Unwritten(name="unwritten"), examples=25)
    assert verdict.outcome == "failed"
    assert search(forward.property, OPERATIONS["ReLU"], "float32", TorchEager(), examples=25).outcome == "passed"
