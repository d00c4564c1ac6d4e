"""Modes of CUDA without CUDA: switches are set and put back; a mode conforms to what it declares, and what is worse does not."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from conformance import backends
from conformance.__main__ import main, properties
from conformance.backends import torch_compile, torch_cuda, torch_eager
from conformance.backends.torch_cuda import BENCHMARK, DETERMINISTIC, FP16, MODES, MULTIPLYING, STRICT, TorchCuda, put, setting, switched
from conformance.grid import Grid, Pair
from conformance.harness import search
from conformance.judgement import Disagreement, assert_accepted, expected
from conformance.model import Case, NotAsked
from conformance.operations import all_operations
from conformance.test_determinism import repeats
from tests.backends.modes import COMPUTED, as_it_is, chopped, in_bfloat16, in_parts, miniature, nearest
from tests.test_properties import SetAside

OPERATIONS = {operation.id: operation for operation in all_operations()}
PROPERTIES = {declared.name: declared for declared in properties().values()}
GRID = Grid(("cpu",))
(CPU,) = GRID.backends
PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "convolution", "_trilinear"}

# What a mode computes, and what is worse than it.
WORSE = {
    "cuda_tf32": (torch.float32, in_bfloat16, chopped),
    "cuda_fp16_reduced": (torch.float16, as_it_is, in_parts(torch.float16, 1)),
    "cuda_bf16_reduced": (torch.bfloat16, as_it_is, in_parts(torch.bfloat16, 1)),
}
DTYPES = {"cuda_tf32": "float32", "cuda_fp16_reduced": "float16", "cuda_bf16_reduced": "bfloat16", "cuda_fp16_accumulated": "float16"}


def verdict_of(name, operation, dtype, backend, examples=25, seed=0, shrink=False):
    """What a search finds; cases of the processor's own known failures are set aside."""
    declared, noun = PROPERTIES[name], OPERATIONS[operation]
    aside = [SetAside(**vars(entry)) for entry in GRID.entries(declared, Pair(noun, dtype, CPU))]
    return search(declared, noun, dtype, backend, examples=examples, seed=seed, known=aside, shrink=shrink)


# The switches.


class Seen(Exception):
    """A call that ended."""


def seen_by(backend, pulled=False, raising=False):
    """The switches during a call."""
    seen = {}

    def call(x, weight, bias):
        seen.update({path: setting(path) for path in STRICT}, algorithms=torch.are_deterministic_algorithms_enabled())
        if raising:
            raise Seen
        return x @ weight.T

    spied = replace(OPERATIONS["Linear"], call=call)
    case = Case({"x": np.ones((2, 3), np.float32), "weight": np.ones((4, 3), np.float32), "bias": None}, {}, "float32")
    if pulled:
        backend.pullback(spied, case, np.ones((2, 4), np.float32))
    else:
        backend.run(spied, case)
    return seen


def as_found():
    return {path: setting(path) for path in STRICT}, torch.are_deterministic_algorithms_enabled()


LOOSE = {path: {False: True, "ieee": "tf32"}[value] for path, value in STRICT.items()}
BY_USERS = {
    "nothing": {},
    "everything": LOOSE,
    "matrices by their new name": {"cuda.matmul.fp32_precision": "tf32"},
    "convolutions by their new name": {"cudnn.conv.fp32_precision": "ieee"},
    "no splits": {FP16: (False, False)},
}


@pytest.fixture(params=BY_USERS)
def set_by_a_user(request):
    before = as_found()[0]
    if not all(setting(path) is not None for path in BY_USERS[request.param]):
        pytest.skip("the installed torch has no such switch")
    try:
        put(BY_USERS[request.param])
        yield
    except TypeError:  # before torch 2.10 reductions and splits are not set together
        pytest.skip("the installed torch has no such switch")
    finally:
        put({path: value for path, value in before.items() if value is not None})


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("pulled", [False, True], ids=["forward", "gradient"])
def test_a_mode_sets_every_switch_during_a_call_and_puts_back_what_was_found(set_by_a_user, name, pulled):
    before = as_found()
    seen = seen_by(TorchCuda(name=name, device="cpu", mode=MODES[name]), pulled)
    algorithms = seen.pop("algorithms")
    wanted = {**STRICT, **MODES[name].switches}
    single = {path: value[0] if isinstance(value, tuple) else value for path, value in seen.items() if value is not None}
    assert single == {path: wanted[path] for path in single}
    assert set(single) >= {FP16, DETERMINISTIC, BENCHMARK}
    assert any("matmul" in path and ("tf32" in path or "fp32" in path) for path in single)
    assert algorithms == (name == "cuda_deterministic")
    assert as_found() == before


def test_a_call_that_raises_leaves_the_switches_as_they_were():
    before = as_found()
    with pytest.raises(Seen):
        seen_by(miniature("cuda_deterministic", *COMPUTED["cuda_tf32"]), raising=True)
    assert as_found() == before


def test_what_a_user_had_made_deterministic_stays_so():
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert not seen_by(TorchCuda(device="cpu"))["algorithms"]
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_kernel_that_is_not_deterministic_is_not_asked_to_be():
    sentence = "scatter_add_cuda_kernel does not have a deterministic implementation"
    said = f"{sentence}, but you set 'torch.use_deterministic_algorithms(True)'. You can …"
    with pytest.raises(NotAsked, match=f"^{sentence}$"), switched(MODES["cuda_deterministic"]):
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="You can"), switched(MODES["cuda"]):
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="no kernel"), switched(MODES["cuda_deterministic"]):
        raise RuntimeError("no kernel")


def test_bits_must_be_the_same_twice_in_the_deterministic_mode_only():
    asked = {name for name in MODES if repeats(OPERATIONS["Conv2d"], TorchCuda(name=name, mode=MODES[name])) is None}
    assert asked == {"cuda_deterministic"}
    assert verdict_of("determinism", "Conv2d", "float32", miniature("cuda_deterministic", *COMPUTED["cuda_tf32"])).outcome == "passed"


# What is declared.


def test_modes_of_algorithms_declare_what_the_strict_one_does():
    for operation in OPERATIONS.values():
        if operation.library == "torch":
            strict, *others = (TorchCuda(mode=MODES[name]) for name in ("cuda", "cuda_deterministic", "cuda_benchmark"))
            for dtype in set(operation.dtypes) & {"float64", "float32", "float16", "bfloat16"}:
                assert all(mode.arithmetic(operation, dtype) == strict.arithmetic(operation, dtype) for mode in others)


@pytest.mark.parametrize("name", DTYPES)
def test_a_mode_declares_more_for_products_of_its_dtype_only(name):
    for operation in OPERATIONS.values():
        for dtype in set(operation.dtypes) & {"float64", "float32", "float16", "bfloat16"} if operation.library == "torch" else ():
            found, strict = (TorchCuda(mode=MODES[mode]).arithmetic(operation, dtype) for mode in (name, "cuda"))
            multiplied = "bfloat16" if operation.id == "Muon" else dtype
            assert (found != strict) == (operation.id in MULTIPLYING and multiplied == DTYPES[name]), (operation.id, dtype)


def test_the_operations_that_multiply_are_those_that_call_a_product_of_matrices_or_a_convolution():
    found, unseen = set(), {"deform_conv2d", "LinearCrossEntropyLoss_Chunked"}

    class Recording(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if function.overloadpacket.__name__ in PRODUCTS:
                found.add(operation.id)
            return function(*args, **(kwargs or {}))

    class Recorded(torch_eager.TorchEager):
        def run(self, operation, case):
            with Recording():
                return super().run(operation, case)

        def pullback(self, operation, case, dy):
            with Recording():
                return super().pullback(operation, case, dy)

    for operation in OPERATIONS.values():
        if operation.library == "torch" and "float32" in operation.dtypes and not CPU.lacks(operation, "float32"):
            for name in ("forward", "gradient"):
                if PROPERTIES[name].applies(operation, CPU) is None:
                    verdict_of(name, operation.id, "float32", Recorded(), examples=3)
    assert found - unseen == MULTIPLYING - unseen


# What is computed.

ASKED = [
    (mode, name, operation)
    for mode, operations in {
        "cuda_tf32": sorted(MULTIPLYING - {"deform_conv2d"}),
        "cuda_fp16_reduced": ("Linear", "MultiheadAttention", "Sequential_SqueezeExcitation", "AdaptiveLogSoftmaxWithLoss", "Conv2d"),
        "cuda_bf16_reduced": ("Linear", "MultiheadAttention", "Sequential_SqueezeExcitation", "Muon"),
        "cuda_fp16_accumulated": ("Linear", "MultiheadAttention", "Sequential_SqueezeExcitation"),
    }.items()
    for operation in operations
    for name in ("forward", "gradient")
    if operation in OPERATIONS and PROPERTIES[name].applies(OPERATIONS[operation], CPU) is None
]
CONVOLVING = ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "Conv2d_DepthwiseSeparable")
ATTENDING = ("Linear", "Sequential_SqueezeExcitation", "MultiheadAttention")
SEEN = [("cuda_tf32", name, operation) for name in ("forward", "gradient") for operation in (*CONVOLVING, *ATTENDING)]
SEEN += [("cuda_fp16_reduced", "forward", "Linear"), ("cuda_bf16_reduced", "gradient", "Linear")]


@pytest.mark.parametrize(("mode", "name", "operation"), ASKED)
def test_what_a_mode_computes_conforms_to_what_it_declares(mode, name, operation):
    if CPU.lacks(OPERATIONS[operation], DTYPES[mode]):
        pytest.skip(CPU.lacks(OPERATIONS[operation], DTYPES[mode]))
    verdict = verdict_of(name, operation, DTYPES[mode], miniature(mode, *COMPUTED[mode]), examples=15, shrink=True)
    assert verdict.outcome in ("passed", "known"), verdict.message


@pytest.mark.parametrize(("mode", "name", "operation"), SEEN)
def test_what_a_mode_computes_does_not_conform_to_the_strict_one(mode, name, operation):
    strict = replace(miniature(mode, *COMPUTED[mode]), mode=MODES["cuda"])
    verdict = verdict_of(name, operation, DTYPES[mode], strict)
    assert verdict.outcome == "failed", verdict


@pytest.mark.parametrize(("mode", "name", "operation"), SEEN)
def test_what_is_worse_than_a_mode_does_not_conform_to_it(mode, name, operation):
    verdict = verdict_of(name, operation, DTYPES[mode], miniature(mode, *WORSE[mode]))
    assert verdict.outcome == "failed", verdict


@pytest.mark.parametrize("name", ["laws", "layout", "purity", "rejects", "shape", "cost"])
@pytest.mark.parametrize("operation", ["Linear", "Conv2d", "affine_grid"])
def test_what_holds_of_every_arithmetic_holds_in_a_mode(name, operation):
    if PROPERTIES[name].applies(OPERATIONS[operation], CPU) is None:
        verdict = verdict_of(name, operation, "float32", miniature("cuda_tf32", *COMPUTED["cuda_tf32"]), examples=15)
        assert verdict.outcome in ("passed", "known"), verdict.message


def long_sum(dtype):
    """One large term, and hundreds of which a sum in the short format sees none."""
    x = np.full((1, 256), 0.9)
    x[0, 0] = 2048.0 if dtype == "float16" else 256.0
    kind = torch_eager.DTYPES[dtype]
    return Case({"x": x.astype(kind), "weight": np.ones(x.shape).astype(kind), "bias": None}, {}, dtype)


@pytest.mark.parametrize("mode", ["cuda_fp16_reduced", "cuda_bf16_reduced"])
def test_a_long_sum_that_is_wholly_in_a_short_format_is_accused_where_its_parts_may_be(mode):
    linear, case = OPERATIONS["Linear"], long_sum(DTYPES[mode])
    reduced, wholly = (miniature(mode, *products) for products in (COMPUTED[mode], WORSE[mode]))
    strict = replace(reduced, mode=MODES["cuda"])
    assert_accepted(reduced.run(linear, case), expected(linear, case, reduced))
    with pytest.raises(Disagreement):
        assert_accepted(wholly.run(linear, case), expected(linear, case, reduced))
    with pytest.raises(Disagreement):
        assert_accepted(reduced.run(linear, case), expected(linear, case, strict))


def test_a_sum_wholly_in_half_precision_is_accepted_where_it_is_declared():
    linear, case, mode = OPERATIONS["Linear"], long_sum("float16"), "cuda_fp16_accumulated"
    wholly = miniature(mode, *COMPUTED[mode])
    assert float(wholly.run(linear, case)["output"][0, 0]) == 2048.0
    assert_accepted(wholly.run(linear, case), expected(linear, case, wholly))


def test_the_miniature_without_a_mode_is_the_processor():
    case = long_sum("float16")
    plain = miniature("cuda", torch.float16, as_it_is, nearest)
    assert plain.run(OPERATIONS["Linear"], case)["output"].tobytes() == CPU.run(OPERATIONS["Linear"], case)["output"].tobytes()


# What can be formed.


def test_every_mode_has_a_name_and_a_reason_why_it_cannot_be_formed(capsys):
    assert main(["list", "--backends"]) == 0
    listed = dict(line.partition(": ")[::2] for line in capsys.readouterr().out.splitlines())
    assert set(MODES) <= set(listed)
    assert not set(MODES) - {"cuda"} & set(backends.default())
    for name in MODES:
        assert (listed[name] == "can be formed") == (backends.missing(name) is None)
        if not torch.cuda.is_available():
            assert listed[name] == listed["cuda"]
            with pytest.raises(backends.NoSuchBackend, match=re.escape(f"the backend '{name}' cannot be formed here: {listed[name]}")):
                backends.form(name)


def test_a_mode_that_the_device_or_the_library_lacks_says_so(monkeypatch):
    monkeypatch.setattr(torch_eager, "device_reason", lambda device: None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert {name for name in MODES if torch_cuda.device_reason(name)} == {"cuda_tf32"}
    assert torch_cuda.device_reason("cuda_tf32") == "it needs a device of compute capability 8.0, this one has 7.5"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert torch_cuda.device_reason("cuda_tf32") is None
    monkeypatch.setattr(torch_cuda, "setting", lambda path: None)
    assert "has no torch.backends.cuda.matmul.allow_fp16_accumulation" in torch_cuda.device_reason("cuda_fp16_accumulated")


def test_a_mode_and_a_device_are_formed_by_their_names(monkeypatch):
    monkeypatch.setattr(torch_cuda, "device_reason", lambda name: None)
    for name, mode in MODES.items():
        formed = backends.form(name)
        assert (formed.name, formed.device, formed.mode) == (name, "cuda", mode)
        assert "cpu" in formed.kin
        assert name not in formed.kin
    second = backends.form("cuda:1")
    assert (second.name, second.device, second.mode) == ("cuda:1", "cuda:1", MODES["cuda"])
    compiled = torch_compile.form("inductor_cuda")
    assert isinstance(compiled.eager, TorchCuda)
    assert not compiled.deterministic


def test_the_report_says_how_the_switches_are_set():
    said = TorchCuda(name="cuda_benchmark", device="cpu", mode=MODES["cuda_benchmark"]).environment()
    assert said["torch.backends.cudnn.benchmark"] == "True"
    assert said["torch.backends.cudnn.deterministic"] == "False"
