"""What a failure says: the script beside it runs alone, with NumPy and the library only."""

import builtins
import contextlib
import io
import re
import warnings

import hypothesis
import numpy as np
import pytest

from conformance import backends
from conformance.backends.screen import on_screen
from conformance.judgement import Disagreement
from conformance.operations import all_operations
from conformance.reproducer import script


def a_case(operation, dtype, backend):
    """One case that the operation's strategy draws and the backend computes."""
    found = []

    @hypothesis.seed(1)
    @hypothesis.settings(max_examples=10, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(operation.cases(dtype))
    def draw(case):
        if len(found) < 3:
            try:
                backend.run(operation, case)
            except Exception:  # a case of a known failure
                return
            found.append(case)

    draw()
    return found[-1]


@pytest.mark.parametrize("operation", all_operations(), ids=repr)
def test_the_script_of_a_failure_runs_alone(operation, monkeypatch):
    backend = backends.form("opencv" if operation.library == "cv2" else "cpu")
    if getattr(backend, "lacks", None) and backend.lacks(operation, operation.dtypes[0]):
        return
    warnings.simplefilter("ignore")
    case = a_case(operation, operation.dtypes[0], backend)
    text = script("forward", operation, case, backend, Disagreement("it is wrong"))
    assert set(re.findall(r"^(?:import|from) (\w+)", text, re.M)) <= {"__future__", "typing", "numpy", "math", operation.library}
    monkeypatch.setattr(builtins, "__import__", guarded(builtins.__import__))
    assert "forward: it is wrong" in (on_screen(lambda: output_of(text)) if operation.needs == "display" else output_of(text))


def output_of(text):
    """What a script prints."""
    with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, "script", "exec"), {"__name__": "script"})
    return printed.getvalue()


def guarded(original):
    """An import that has none of our packages for the script."""

    def imported(name, names=None, *others, **more):
        if names is not None and names.get("__name__") == "script" and name.partition(".")[0] in ("conformance", "oracles", "tests"):
            raise ModuleNotFoundError(f"the script imports {name}")
        return original(name, names, *others, **more)

    return imported
