"""The command line: `conformance list|cost|diff|judge|replay` (and the same through `python -m conformance`)."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import conformance
from conformance import cost_command
from conformance.gate import ReportError, compare, read_report
from conformance.grid import Grid, Misuse
from conformance.harness import Property
from conformance.known import findings
from conformance.report import BAD

CONFORMS, DIFFERS, MISUSE = 0, 1, 2


def properties() -> dict[str, Property]:
    """Every property of the package, by its test id up to the bracket."""
    found = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(conformance.__path__) if info.name.startswith("test_")):
        declared = getattr(importlib.import_module(f"conformance.{module}"), module).property
        found[f"conformance/{module}.py::{module}"] = declared
    return found


def tests(grid: Grid) -> Iterator[dict[str, str]]:
    """What a run would test, in the form of `list --json`."""
    for prefix, declared in properties().items():
        for operation, dtype, backend in grid.pairs(declared):
            yield {
                "id": f"{prefix}[{operation.id}-{dtype}-{backend.name}]",
                "property": declared.name,
                "operation": operation.name,
                "dtype": dtype,
                "backend": backend.name,
            }


def list_tests(arguments: argparse.Namespace) -> int:
    """Print what would be tested, or one of the other lists."""
    if arguments.backends:
        return list_backends(arguments)
    if arguments.uncovered:
        return list_uncovered(arguments)
    grid = Grid(arguments.backend, arguments.operation, arguments.dtype)
    grid.check()
    found = list(tests(grid))
    if not found:
        raise Misuse("nothing would be tested: no property applies to what was selected")
    return show(found, [test["id"] for test in found], arguments.json)


def list_backends(arguments: argparse.Namespace) -> int:
    """Print which backends can be formed here, and what is missing for the others."""
    from conformance.backends import available

    found = [{"backend": name, "formed": reason is None, "reason": reason or ""} for name, reason in available().items()]
    return show(found, [f"{name}: {reason or 'can be formed'}" for name, reason in available().items()], arguments.json)


def list_uncovered(arguments: argparse.Namespace) -> int:
    """Print every public class and function of the mission that has no operation, each with its reason."""
    from conformance.uncovered import uncovered

    found = [{"name": name, "reason": reason} for name, reason in uncovered().items()]
    return show(found, [f"{item['name']}: {item['reason']}" for item in found], arguments.json)


def known(arguments: argparse.Namespace) -> int:
    """Print the known failures of the backends as a table in Markdown, or entries proposed for the failures of a report."""
    if arguments.update:
        from conformance.proposal import proposals

        print(proposals(read_report(arguments.update)) or "# the report has no failure with a case")
        return CONFORMS
    read = Grid(arguments.backend, (), (), arguments.known_failures).known
    print(findings({name: [entry for entry in entries if entry.is_about(name)] for name, entries in read.items()}), end="")
    return CONFORMS


def diff(arguments: argparse.Namespace) -> int:
    """Compare two reports: status 0 unless something fails anew."""
    comparison = compare(read_report(arguments.old), read_report(arguments.new))
    texts = {
        "diff.json": json.dumps(comparison.document(), indent=1, ensure_ascii=False),
        "diff.md": comparison.markdown(),
    }
    print(texts["diff.json" if arguments.json else "diff.md"])
    if arguments.output:
        try:
            arguments.output.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                (arguments.output / name).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise Misuse(f"{arguments.output}: cannot be written: {error.strerror}") from error
    return CONFORMS if comparison.passes else DIFFERS


def replay(arguments: argparse.Namespace) -> int:
    """Run the failures of a report again, with its seed and as many examples; status 0 when they pass."""
    report = read_report(arguments.report)
    failed = {result["id"]: result for result in report["results"] if result["outcome"] in BAD}
    if arguments.id and arguments.id not in failed:
        raise Misuse(f"{arguments.report} has no failure {arguments.id!r}")
    chosen = [failed[arguments.id]] if arguments.id else list(failed.values())
    if not chosen:
        raise Misuse(f"{arguments.report} has no failures")
    examples = max(int(arguments.examples or report.get("examples", 25)), 1)
    subjects = arguments.backend or report.get("backends") or sorted({result["backend"] for result in chosen})
    backends = [f"--backend={name}" for name in subjects]
    wanted = [result["id"].partition("/")[2] for result in chosen]
    tests = [f"{Path(conformance.__path__[0]) / name}" for name in wanted]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *tests,
        *backends,
        f"--hypothesis-seed={report.get('seed', 0)}",
        f"--examples={examples}",
        "-q",
    ]
    return subprocess.run(command, check=False).returncode


def judge_files(arguments: argparse.Namespace) -> int:
    """Judge one result, or two, of a call whose arrays are given as files."""
    from conformance.judge import judge, outside

    arrays, results = _arrays(arguments.arrays), [_arrays(file) for file in arguments.results]
    try:
        options = json.loads(arguments.options)
    except json.JSONDecodeError as error:
        raise Misuse(f"--options is not JSON: {error}") from error
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    if len(results) == 2:
        print(outside(arguments.operation, arrays, options, *results))
    verdicts = [judge(arguments.operation, arrays, options, result) for result in results]
    print("\n".join(verdict.sentence for verdict in verdicts))
    return CONFORMS if all(verdicts) else DIFFERS


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, or the one of an .npy file as "output"."""
    try:
        loaded = np.load(path)
    except (OSError, ValueError, EOFError) as error:
        raise Misuse(f"{path}: cannot be read as .npy or .npz: {error}") from error
    return {"output": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)


def show(items: Sequence[Any], lines: Sequence[str], as_json: bool) -> int:
    """Print a list for a person, or as JSON."""
    print(json.dumps(items, indent=1, ensure_ascii=False) if as_json else "\n".join(lines))
    return CONFORMS


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    main = argparse.ArgumentParser(prog="conformance", description=conformance.__doc__)
    main.add_argument("--version", action="version", version=f"conformance {conformance.__version__}")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="print what would be tested")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.add_argument(
        "--uncovered",
        action="store_true",
        help="public names of the mission without an operation, each with the reason",
    )
    listing.add_argument(
        "--backends",
        action="store_true",
        help="the backends that can be formed here, and what is missing for the others",
    )
    listing.add_argument("--backend", action="append", default=[], metavar="NAME")
    listing.add_argument("--operation", action="append", default=[], metavar="GLOB")
    listing.add_argument("--dtype", action="append", default=[], metavar="NAME")
    listing.set_defaults(run=list_tests)
    knowing = commands.add_parser("known", help="print the known failures of the backends as a table in Markdown")
    knowing.add_argument("--backend", action="append", default=[], metavar="NAME")
    knowing.add_argument("--known-failures", action="append", default=[], metavar="FILE")
    knowing.add_argument("--update", type=Path, metavar="REPORT", help="print entries in TOML for the failures of a report instead")
    knowing.set_defaults(run=known)
    differ = commands.add_parser("diff", help="compare two reports: new failures, fixed, not run, growth of the used budget")
    differ.add_argument("old", type=Path, metavar="OLD")
    differ.add_argument("new", type=Path, metavar="NEW")
    differ.add_argument("--json", action="store_true", help="as JSON")
    differ.add_argument("--output", type=Path, metavar="DIR", help="write diff.md and diff.json into DIR too")
    differ.set_defaults(run=diff)
    judging = commands.add_parser("judge", help="judge the result of one call, or of two, with arrays of your own")
    judging.add_argument("operation", metavar="OPERATION", help="an id or a public name")
    judging.add_argument("arrays", type=Path, metavar="ARRAYS.npz", help="the arrays of the call, by the oracle's parameter names")
    judging.add_argument("results", type=Path, nargs="+", metavar="RESULT.npy", help="what came out; of two, the one outside is named")
    judging.add_argument("--options", default="{}", metavar="JSON", help="the options of the call")
    judging.set_defaults(run=judge_files)
    cost_command.add_parser(commands)
    again = commands.add_parser("replay", help="run the failures of a report again, with its seed")
    again.add_argument("report", type=Path, metavar="REPORT")
    again.add_argument("id", nargs="?", help="one of them, by its id")
    again.add_argument("--backend", action="append", default=[], metavar="NAME", help="another subject than the report's")
    again.add_argument("--examples", type=int, metavar="N")
    again.set_defaults(run=replay)
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 conforms, 1 does not, 2 is misuse."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except (Misuse, ReportError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return MISUSE


if __name__ == "__main__":
    sys.exit(main())
