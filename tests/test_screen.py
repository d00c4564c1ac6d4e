"""The virtual screen: what happens in the process that shows windows is told, however it ends; nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from conformance.backends import form, screen
from conformance.backends.screen import ProcessDied, on_screen
from conformance.harness import Property, search
from conformance.judgement import Disagreement
from conformance.operations.cv_window import PollKey
from tests.test_run import run

missing = screen.missing()
needs_screen = pytest.mark.skipif(missing is not None, reason=str(missing))


@needs_screen
def test_what_a_call_returns_or_raises_comes_back():
    assert on_screen(lambda: {"output": np.arange(3)})["output"].tolist() == [0, 1, 2]
    with pytest.raises(cv2.error, match="width"):
        on_screen(lambda: cv2.imshow("window", np.zeros((0, 3), np.uint8)))
    assert on_screen(lambda: os.environ["DISPLAY"]) != os.environ.get("DISPLAY")


@needs_screen
def test_a_process_that_dies_is_an_error_that_says_how():
    def without_display():
        os.environ["DISPLAY"] = ":no such screen"
        cv2.imshow("window", np.zeros((70, 70), np.uint8))

    with pytest.raises(ProcessDied, match=r"SIGSEGV; it said: nothing"):
        on_screen(lambda: os.kill(os.getpid(), signal.SIGSEGV))
    with pytest.raises(ProcessDied, match="status 7"):
        on_screen(lambda: os._exit(7))
    if cv2.currentUIFramework().startswith("QT"):
        with pytest.raises(ProcessDied, match=r"(?s)SIGABRT; it said: .*display"):
            on_screen(without_display)


@needs_screen
def test_a_process_that_hangs_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(screen, "PATIENCE", 1)
    with pytest.raises(ProcessDied, match="hung for 1 s"):
        on_screen(lambda: time.sleep(60))


@needs_screen
def test_the_screen_is_gone_when_its_process_is_killed():
    started = "import os; from conformance.backends.screen import screen; print(screen()['CONFORMANCE_SCREEN'], flush=True)"
    code = f"{started}; os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pixels = Path(killed.stdout.strip())
    assert killed.returncode == -signal.SIGKILL
    for _ in range(100):
        if not pixels.parent.exists():
            break
        time.sleep(0.1)
    assert not pixels.parent.exists()


def test_without_a_screen_the_run_says_what_is_missing_and_ends_well(tmp_path):
    asked = ("--operation", "imdecode_PNG", "--operation", "imshow", "--backend", "opencv", "--examples", 2, "-n", 0)
    status, output = run(*asked, PATH=str(tmp_path))
    assert status == 0, output
    reason = "windows need Xvfb and xdotool: apt-get install xvfb xdotool"
    assert (reason if sys.platform.startswith("linux") else "needs Linux") in output


@pytest.mark.parametrize(("black", "outcome"), [(2, "passed"), (3, "passed"), (1000, "failed")])
def test_what_a_screen_shows_must_be_wrong_three_times_in_a_row_and_when_the_case_is_run_again(black, outcome):
    answers = iter([0] * black + [1] * 1000)

    def check(operation, case, backend):
        if not next(answers):
            raise Disagreement("the window is black")

    verdict = search(Property("forward", check), PollKey, "uint8", form("opencv"), examples=25, shrink=False)
    assert verdict.outcome == outcome, verdict.message
