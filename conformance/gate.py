"""Two reports compared by set difference: what fails anew, what is fixed, what was not run, where the used budget grew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.report import BAD, SCHEMA

GROWTH = 2.0  # a used share that more than doubled …
NOTICEABLE = 0.1  # … and is above this is worth a look before it becomes a failure


class ReportError(ValueError):
    """A report that cannot be read; the message is one clear sentence."""


def read_report(path: Path) -> dict[str, Any]:
    """A report.json, or the one in a directory; ReportError where it is missing or malformed."""
    path = path / "report.json" if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or not isinstance(document.get("results"), list):
        raise ReportError(f"{path}: is not a report of schema {SCHEMA}")
    for number, result in enumerate(document["results"], 1):
        if not isinstance(result, dict) or not {"id", "outcome", "budget"} <= set(result):
            raise ReportError(f"{path}: result {number} has no id, outcome or budget")
    return document


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another, by id: the message of what fails; the used shares where they grew, and where other bits
    came out of the same cases without leaving what rounding can explain.
    """

    new_failures: dict[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    grown: dict[str, tuple[float, float]] = field(default_factory=dict)
    changed: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        """Whether nothing fails that did not fail before."""
        return not self.new_failures

    @property
    def empty(self) -> bool:
        """Whether the two runs say the same."""
        return not (self.new_failures or self.fixed or self.not_run or self.grown or self.changed)

    def document(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return {
            "new_failures": [{"id": name, "message": message} for name, message in self.new_failures.items()],
            "fixed": list(self.fixed),
            "still_failing": list(self.still_failing),
            "not_run": list(self.not_run),
            "grown": _listed(self.grown),
            "changed": _listed(self.changed),
        }

    def markdown(self) -> str:
        """The comparison for a person."""
        failures = [f"`{name}`: {message.splitlines()[0] if message else ''}" for name, message in self.new_failures.items()]
        parts = [
            ("New failures", failures),
            ("Fixed", _quoted(self.fixed)),
            ("Still failing", _quoted(self.still_failing)),
            ("Not run", _quoted(self.not_run)),
            ("Used budget more than doubled", _arrows(self.grown)),
            ("Other bits, inside rounding", _arrows(self.changed)),
        ]
        said = [f"## {title} ({len(lines)})\n\n" + "\n".join(f"- {line}" for line in lines) for title, lines in parts if lines]
        return "\n\n".join(said) or "No difference."


def _listed(shares: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    return [{"id": name, "before": before, "after": after} for name, (before, after) in shares.items()]


def _arrows(shares: Mapping[str, tuple[float, float]]) -> list[str]:
    return [f"`{name}`: {before:.2g} → {after:.2g}" for name, (before, after) in shares.items()]


def _quoted(names: Iterable[str]) -> list[str]:
    return [f"`{name}`" for name in names]


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """What changed from the run `old` to the run `new`."""
    before = {result["id"]: result for result in old["results"]}
    after = {result["id"]: result for result in new["results"]}
    failed_before = {name for name, result in before.items() if result["outcome"] in BAD}
    failing = {name for name, result in after.items() if result["outcome"] in BAD}
    shares = {name: (float(before[name]["budget"]), float(after[name]["budget"])) for name in sorted(set(before) & set(after))}
    return Comparison(
        new_failures={name: str(after[name].get("message", "")) for name in sorted(failing - failed_before)},
        fixed=tuple(sorted((failed_before & set(after)) - failing)),
        still_failing=tuple(sorted(failing & failed_before)),
        not_run=tuple(sorted(set(before) - set(after))),
        grown={name: (a, b) for name, (a, b) in shares.items() if b > GROWTH * a and b > NOTICEABLE and a > 0},
        changed={name: shares[name] for name in shares if name not in failing | failed_before and _changed(before[name], after[name])},
    )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the same cases gave other bits."""
    (cases, _, bits), (again, _, other) = (str(result.get("digest", "")).partition(":") for result in (before, after))
    return bool(cases) and cases == again and bits != other
