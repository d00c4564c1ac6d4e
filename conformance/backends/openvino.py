"""OpenVINO's processor kernels, on models that openvino.convert_model makes of one operation each.

The converter traces (TorchScript); the CPU plugin computes in float32, in one stream and thread: its default
may be bfloat16 where the processor has it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from conformance.backends.exported import Exported, Session, Traceable, not_installed
from conformance.backends.processor import onednn_instructions
from conformance.model import Backend, Operation
from oracles.bounded import TABLE, Accuracy, Arithmetic, ieee

LIBRARIES = ("openvino",)
# Operations whose failures have been examined, in float32; of the others nothing is asked.
EXAMINED = frozenset(
    (
        *("Conv1d", "Conv2d", "Conv2d_DepthwiseSeparable", "Linear", "AvgPool1d", "AvgPool2d", "MaxPool2d"),
        *(f"{kind}Pad{rank}d" for kind in ("Constant", "Zero", "Replication") for rank in (1, 2, 3)),
        *("PixelShuffle", "PixelUnshuffle", "UpsamplingNearest2d", "Flatten", "Unfold"),
        *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "Hardtanh", "Hardsigmoid", "Softsign", "GELU", "ELU", "Tanh"),
        *("Softmax", "Softmax2d", "LogSoftmax", "Softmin"),
    )
)
FUNCTIONS = {
    **TABLE,
    # oneDNN's exponential (measured on 1.5·10⁶ points): 1.9 ulp within ±1, and 5.3 at ±87, as it reduces by a ln 2 of one number, off by
    # 1.9·10⁻⁹: of 127 of them 4.1 ulp at most. It ends at the logarithm of the least normal number: below that it is 0.
    "exp": Accuracy(6.0, flush=1.0),
    # oneDNN's Elu is exp(x) − 1, of which an error of the exponential below 1 is absolute: 1.9 unit roundoffs (measured).
    "expm1": Accuracy(1.0, 2.0),
    "tanh": Accuracy(1.5),  # measured on 10⁶ points: 1.22
    "erf": Accuracy(1.0, 10.0),  # Abramowitz-Stegun 7.1.26; measured on 10⁶ points: 1 ulp and 8.7 unit roundoffs
}
TELLING = ("[PyTorch Frontend]", "Batch size is zero", "Expected ", "No conversion rule", "Conversion is failed", "not initialized")
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "1"}


@dataclass(frozen=True)
class OpenVINO(Exported):
    """The CPU plugin of the installed openvino, one stream and thread."""

    name: str = "openvino"
    known_failures: Path | None = field(default=Path(__file__).with_suffix(".toml"), repr=False)
    examined: frozenset[str] | None = field(default=EXAMINED, repr=False)
    libraries: tuple[str, ...] = LIBRARIES
    telling: tuple[str, ...] = TELLING
    reuse: int = 3  # examples for every structure, to convert and compile which takes a tenth of a second
    patience: float = 3.0

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """IEEE arithmetic, sums in any order, its own elementary functions."""
        return ieee(dtype).but(accuracy=FUNCTIONS)

    def environment(self) -> Mapping[str, str]:
        """Versions, and the instructions that its oneDNN may use: it minds the same variables as torch's."""
        return {**super().environment(), **onednn_instructions()}

    def load(self, call: Traceable) -> Session:
        """Convert, then compile; nothing is sent to anybody, as on a server of continuous integration."""
        runtime: Any = importlib.import_module("openvino")
        shapes = [tuple(tensor.shape) for tensor in call.tensors]
        with mock.patch.dict(os.environ, {"CI": "true"}):
            model = runtime.convert_model(call.module, example_input=call.tensors, input=shapes)
        compiled = runtime.Core().compile_model(model, "CPU", SETTINGS)

        def run(arrays: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
            found = compiled([arrays[name] for name in call.names])
            return [found[number] for number in range(len(compiled.outputs))]

        return run


def device_reason(name: str) -> str | None:
    """Why models cannot be converted or run here, or None where they can."""
    return not_installed(LIBRARIES, "openvino")


def form(name: str) -> Backend:
    """The backend."""
    return OpenVINO(name=name)
