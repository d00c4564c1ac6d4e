"""A virtual screen, and a process of its own for whatever is shown on it, so that an end of that process is a verdict."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import functools
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool"}  # the program, and Debian's package of it
SCREEN = "CONFORMANCE_SCREEN"  # the variable that names the file in which Xvfb keeps the pixels, as xwd writes them
PATIENCE = 30  # seconds

# The shell ends the screen when the process that asked for it is gone, however it went: then nothing holds its input open.
KEEPER = (
    'Xvfb -displayfd 1 -screen 0 1024x768x24 -nolisten tcp -noreset -fbdir "$0" 2>"$0/said" & server=$!; '
    'cat >"$0/end"; kill $server; wait $server; rm -r "$0"'
)


class ProcessDied(RuntimeError):
    """The process that was to show a window did not live to say what it saw."""


def missing() -> str | None:
    """Why there is no virtual screen here, or None where there can be one."""
    if not sys.platform.startswith("linux"):
        return "windows are tried on a virtual screen, which needs Linux"
    absent = {program: package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    if not absent:
        return None
    return f"windows need {' and '.join(absent)}: apt-get install {' '.join(absent.values())}"


@functools.cache
def screen() -> dict[str, str]:
    """The environment of a program that is to be seen on a screen of our own, which lasts as long as this process."""
    folder = tempfile.mkdtemp(prefix="conformance-screen-")
    keeper = subprocess.Popen(["sh", "-c", KEEPER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    atexit.register(keeper.communicate)
    assert keeper.stdout is not None
    number = keeper.stdout.readline().decode().strip()
    if not number:
        raise ProcessDied(f"Xvfb does not start: {Path(folder, 'said').read_text(encoding='utf-8', errors='replace').strip()}")
    return {"DISPLAY": f":{number}", SCREEN: str(Path(folder, "Xvfb_screen0")), "QT_QPA_PLATFORM": "xcb"}


def on_screen(call: Callable[[], Any]) -> Any:
    """What a call returns or raises in a process that sees the virtual screen; ProcessDied where that process ended instead."""
    environment = screen()
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as said:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a fork of a process with threads: the child uses none of them
            child = os.fork()
        if child == 0:
            _child(call, environment, writer, said.fileno())
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        if not answer:
            said.seek(0)
            raise ProcessDied(f"{_end(status)}; it said: {said.read().decode(errors='replace').strip() or 'nothing'}")
    returned, value = pickle.loads(answer)
    if returned:
        return value
    raise value


def _end(status: int) -> str:
    """How a process ended, by its status."""
    if not os.WIFSIGNALED(status):
        return f"the process ended with the status {os.waitstatus_to_exitcode(status)}"
    ended = signal.Signals(os.WTERMSIG(status))
    return f"the process hung for {PATIENCE} s" if ended is signal.SIGALRM else f"the process was ended by {ended.name}"


def _child(call: Callable[[], Any], environment: dict[str, str], writer: int, said: int) -> None:
    """Do a call in this process, tell what came of it, and end."""
    status = 1
    with contextlib.suppress(BaseException):  # the status, and what was said, are all that is left to tell
        os.dup2(said, 2)
        faulthandler.disable()  # it would write where this process writes, which is not where its end is read
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        os.environ.update(environment)
        try:
            answer = (True, call())
        except Exception as error:  # whatever the library raises is its answer
            answer = (False, error)
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(answer, pipe)
        status = 0
    os._exit(status)
