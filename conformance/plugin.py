"""The pytest plugin: options, the grid of ids, a verdict for each, the report.

It is registered for every pytest run of the environment, so nothing is imported and nothing happens before a conformance test is collected
or one of its options is given.
"""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.options import check_numbers, examples_of, pytest_addoption, register_profile, seed_of, time_limit

if TYPE_CHECKING:
    from conformance.gate import Comparison
    from conformance.grid import Grid
    from conformance.harness import Property, Verdict
    from conformance.report import Run

__all__ = ["pytest_addoption"]  # a hook, found here by pytest

PROPERTY = "conformance"  # the key in a test report's user_properties
RUN = pytest.StashKey["Run"]()
GRID = pytest.StashKey["Grid"]()
SEED = pytest.StashKey[int]()
BASELINE = pytest.StashKey[dict[str, Any]]()
BLACK_BOX = pytest.StashKey[Path]()
ASKED = pytest.StashKey[dict[str, "Property"]]()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Give the tests a process of their own even without -n, so that a crash is a verdict and not the end of the run."""
    if _own_process_wanted(config):
        config.option.numprocesses = 1
    if getattr(config.option, "maxworkerrestart", "") is None:
        config.option.maxworkerrestart = "1000000"  # one crash after the other is no reason to stop


def _own_process_wanted(config: pytest.Config) -> bool:
    option = config.option
    untouched = (
        getattr(option, "numprocesses", 0) is None and not option.usepdb and not option.collectonly and not hasattr(config, "workerinput")
    )
    return untouched and any("conformance" in str(argument) for argument in config.args)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(variable, "1")
        config.stash[SEED] = config.workerinput["conformance_seed"]
        config.stash[BLACK_BOX] = Path(config.workerinput["conformance_black_box"])
    else:
        config.stash[SEED] = seed_of(config)
        config.stash[BLACK_BOX] = Path(tempfile.gettempdir()) / f"conformance-{os.getpid()}"
    config.pluginmanager.register(Gathering(config), "conformance-gathering")
    register_profile(config.getoption("--hypothesis-profile", None))
    if hasattr(config, "workerinput"):
        return
    check_numbers(config)
    if any(config.getoption(option) for option in ("--backend", "--operation", "--dtype", "--known-failures", "--examples")):
        _checked_grid(config)
    if config.getoption("--report"):
        try:
            Path(config.getoption("--report")).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            pytest.exit(f"--report {config.getoption('--report')}: cannot be written: {error.strerror}", returncode=2)
    if config.getoption("--baseline"):
        from conformance.gate import ReportError, read_report

        try:
            config.stash[BASELINE] = read_report(Path(config.getoption("--baseline")))
        except ReportError as error:
            pytest.exit(str(error), returncode=2)


def pytest_unconfigure(config: pytest.Config) -> None:
    if BLACK_BOX in config.stash and not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[BLACK_BOX], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["conformance_seed"] = node.config.stash[SEED]
    node.workerinput["conformance_black_box"] = str(node.config.stash[BLACK_BOX])


def _checked_grid(config: pytest.Config) -> Grid:
    """The grid of the run; an option that matches nothing ends it with status 2."""
    from conformance.grid import Grid, Misuse

    if GRID not in config.stash:
        options = (tuple(config.getoption(name)) for name in ("--backend", "--operation", "--dtype", "--known-failures"))
        grid = Grid(*options)
        try:
            grid.check()
        except Misuse as error:
            pytest.exit(str(error), returncode=2)
        config.stash[GRID] = grid
    return config.stash[GRID]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    declared = getattr(metafunc.function, "property", None)
    if declared is None or "verdict_of" not in metafunc.fixturenames:
        return
    pairs = list(_checked_grid(metafunc.config).pairs(declared))
    metafunc.parametrize(("operation", "dtype", "backend"), pairs, ids=[pair.id for pair in pairs])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Properties without a pair are not tests, but the report says why."""
    asked = [item for item in items if hasattr(getattr(item, "function", None), "property")]
    config.stash[ASKED] = {declared.name: declared for item in asked if (declared := item.function.property)}  # type: ignore[attr-defined]
    empty = {id(item) for item in asked if "NOTSET" in item.nodeid}
    items[:] = [item for item in items if id(item) not in empty]


@pytest.fixture
def verdict_of(request: pytest.FixtureRequest) -> Any:
    """Search one property for one pair, with the run's settings, and turn the verdict into a test outcome."""
    config, node = request.config, request.node

    def verdict_of(declared: Property, operation: Any, dtype: str, backend: Any) -> None:
        from conformance.grid import Pair
        from conformance.harness import search

        grid, examples = _checked_grid(config), examples_of(config)
        pair = Pair(operation, dtype, backend)
        config.stash[BLACK_BOX].mkdir(parents=True, exist_ok=True)
        with (config.stash[BLACK_BOX] / f"{os.getpid()}").open("wb") as black_box:

            def remember(case: Any) -> None:
                black_box.seek(0)
                black_box.write(pickle.dumps((node.nodeid, case)))
                black_box.flush()

            if hasattr(config, "workerinput"):
                faulthandler.dump_traceback_later(time_limit(config, getattr(backend, "patience", 1.0)), exit=True)
            try:
                verdict = search(
                    declared,
                    operation,
                    dtype,
                    backend,
                    examples=examples,
                    seed=config.stash[SEED],
                    known=grid.entries(declared, pair),
                    before=remember,
                )
            finally:
                faulthandler.cancel_dump_traceback_later()
        node.user_properties.append((PROPERTY, json.dumps(_record(declared, pair, verdict))))
        if verdict.reproducer:
            node.add_report_section("call", "script that shows it", verdict.reproducer)
        if verdict.outcome in ("known", "unasked"):
            pytest.xfail(verdict.message)
        if verdict.outcome != "passed":
            pytest.fail(verdict.message, pytrace=False)

    return verdict_of


def _record(declared: Property, pair: Any, verdict: Verdict) -> dict[str, Any]:
    record = {
        "property": declared.name,
        "operation": pair.operation.name,
        "dtype": pair.dtype,
        "backend": pair.backend.name,
    }
    return {
        **record,
        **{name: getattr(verdict, name) for name in verdict.__dataclass_fields__},
        "label": pair.operation.id,
    }


# --- the report: written where the results come together


def _run(config: pytest.Config) -> Run | None:
    """The run's results, in the process that gathers them; None in a worker."""
    if hasattr(config, "workerinput"):
        return None
    if RUN not in config.stash:
        from conformance.report import Run

        config.stash[RUN] = Run(config.stash[SEED], examples_of(config), tuple(config.getoption("--backend")))
    return config.stash[RUN]


class Gathering:
    """What the gathering process does as results come in."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.comparison: Comparison | None = None

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if "::test_" in nodeid and (run := _run(self.config)):
            run.start(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        run = _run(self.config)
        if run is None:
            return
        records = [value for key, value in report.user_properties if key == PROPERTY]
        if records and report.when == "call":
            run.add(report.nodeid, json.loads(str(records[0])))
        elif report.when not in ("setup", "call", "teardown"):  # xdist's report of a worker that died
            report.longrepr = run.add_death(
                report.nodeid,
                lambda backend: time_limit(self.config, getattr(self._subject(backend), "patience", 1.0)),
                last_case(report.nodeid, self.config.stash[BLACK_BOX]),
                lambda label: str(self._operation(label).name),
                self._script,
            )

    def _script(self, verb: str, label: str, backend: str, case: Any, message: str) -> str:
        """The reproducer of a case that killed its process."""
        from conformance.reproducer import script

        return script(verb, self._operation(label), case, self._subject(backend), RuntimeError(message))

    def _subject(self, name: str) -> Any:
        """The backend with a name."""
        return next(subject for subject in _checked_grid(self.config).backends if subject.name == name)

    def _operation(self, label: str) -> Any:
        """The operation with an id."""
        return next(operation for operation in _checked_grid(self.config).operations if operation.id == label)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(PROPERTY)
        if told and (run := _run(self.config)):
            run.environment, run.empty = json.loads(told)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        run = _run(self.config)
        if run is None:
            if GRID in self.config.stash:
                self.config.workeroutput[PROPERTY] = json.dumps(_circumstances(session))  # type: ignore[attr-defined]
            return
        if GRID in self.config.stash and not run.environment:
            run.environment, run.empty = _circumstances(session)
        if run.results and self.config.getoption("--report"):
            run.write(Path(self.config.getoption("--report")))
        if self.config.getoption("--baseline") and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            from conformance.gate import compare

            self.comparison = compare(self.config.stash[BASELINE], run.document())
            session.exitstatus = pytest.ExitCode.OK if self.comparison.passes else pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        run = _run(self.config)
        if run and run.results:
            terminalreporter.section("conformance")
            terminalreporter.write(run.table(terminalreporter._tw.fullwidth, terminalreporter.hasmarkup))
            terminalreporter.write_line(f"replay with --hypothesis-seed={run.seed}")
        if self.comparison:
            terminalreporter.section("against the baseline")
            terminalreporter.write_line(self.comparison.markdown())


def last_case(nodeid: str, black_box: Path) -> Any:
    """The case that a dead process was working on, as it noted it before; None where it noted none."""
    for file in black_box.glob("*"):
        try:
            noted, case = pickle.loads(file.read_bytes())
        except (EOFError, pickle.UnpicklingError, OSError):
            continue
        if noted == nodeid:
            return case
    return None


def _circumstances(session: pytest.Session) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The environment, and every empty cell of the collected properties with its reason."""
    from conformance.report import environment

    grid = session.config.stash[GRID]
    empty = [
        {"operation": operation.id, "backend": backend.name, "property": name, "reason": reason}
        for name, declared in session.config.stash.get(ASKED, {}).items()
        for backend in grid.backends
        for operation in grid.operations
        if operation.library == backend.library and (reason := grid.empty(declared, operation, backend))
    ]
    return environment(grid.backends), empty
