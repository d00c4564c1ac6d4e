"""ONNX Runtime's processor kernels, on models that torch.onnx.export writes of one operation each.

The exporter is the one by tracing, with its default opset; the session has the default graph optimisations (ORT_ENABLE_ALL).
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backends.exported import Exported, Session, Traceable, not_installed, sentence
from conformance.model import Backend, NotAsked, Operation, torch
from oracles.bounded import TABLE, Accuracy, Arithmetic, ieee

LIBRARIES = ("onnxruntime", "onnx")
# Operations whose failures have been examined, in float32; of the others nothing is asked.
EXAMINED = frozenset(
    (
        *("Conv1d", "Conv2d", "Conv2d_DepthwiseSeparable", "Linear", "AvgPool1d", "AvgPool2d", "MaxPool2d"),
        *(f"{kind}Pad{rank}d" for kind in ("Constant", "Zero", "Replication") for rank in (1, 2, 3)),
        *("PixelShuffle", "PixelUnshuffle", "UpsamplingNearest2d", "Flatten", "Unfold"),
        *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "Hardtanh", "Hardsigmoid", "Softsign", "Threshold", "GELU", "ELU", "Tanh"),
        *("Softmax", "Softmax2d", "LogSoftmax", "Softmin", "MSELoss", "NLLLoss"),
    )
)
FUNCTIONS = {
    **TABLE,
    # Its exponential in sums ends at −88.376 (MLAS, LowerRangeSumExp): below the least normal number it is 0.
    "exp": Accuracy(1.0, flush=1.0),
    # Eigen's rational function (onnxruntime PR 162); measured on 4·10⁵ points: 1 ulp and 4.2 unit roundoffs.
    "tanh": Accuracy(1.0, 5.0),
    # ONNX defines Elu by exp(x) − 1: an error of the exponential below 1 is absolute.
    "expm1": Accuracy(1.0, 1.0),
}


@dataclass(frozen=True)
class OnnxRuntime(Exported):
    """The CPUExecutionProvider of the installed onnxruntime, one thread."""

    name: str = "onnxruntime"
    known_failures: Path | None = field(default=Path(__file__).with_suffix(".toml"), repr=False)
    examined: frozenset[str] | None = field(default=EXAMINED, repr=False)
    libraries: tuple[str, ...] = LIBRARIES

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """IEEE arithmetic, sums in any order, its own elementary functions."""
        return ieee(dtype).but(accuracy=FUNCTIONS)

    def load(self, call: Traceable) -> Session:
        """Export, then load."""
        runtime: Any = importlib.import_module("onnxruntime")
        file = io.BytesIO()
        preserve = importlib.import_module("torch.onnx").TrainingMode.PRESERVE
        torch.onnx.export(call.module, call.tensors, file, dynamo=False, input_names=list(call.names), training=preserve)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = runtime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
        taken = [taken.name for taken in session.get_inputs()]
        lacking = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state").NotImplemented

        def run(arrays: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
            try:
                found: Sequence[np.ndarray] = session.run(None, {name: arrays[name] for name in taken})
            except lacking as error:
                raise NotAsked(sentence(error)) from error
            return found

        return run


def device_reason(name: str) -> str | None:
    """Why models cannot be exported or run here, or None where they can."""
    return not_installed(LIBRARIES, "onnxruntime")


def form(name: str) -> Backend:
    """The backend."""
    return OnnxRuntime(name=name)
