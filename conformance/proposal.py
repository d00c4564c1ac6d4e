"""Known failures proposed from a report: a draft of an entry for every failure, for a person to narrow, link and sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit


def proposals(report: Mapping[str, Any]) -> str:
    """The failures of a report as [[known_failure]] tables in TOML; the empty string if no failure has a case.

    Each takes the reason from the failure's first line, the version that was running, and the case that was found; what is to be done by
    a person is to say the reason in words, to find or write the upstream report, and to make `where` and `versions` as wide as the truth.
    """
    entries = tomlkit.aot()
    for result in report["results"]:
        if result["outcome"] not in ("failed", "crashed", "timeout") or not result.get("case"):
            continue
        running = dict(report.get("environment", {}).get("backends", {}).get(result["backend"], {}))
        library, version = next(iter(running.items()), ("", ""))  # a backend says first what its own version is
        entry = tomlkit.table()
        entry.add("test", result["id"].partition("::")[2])
        entry.add("where", result["case"]["where"])
        entry.add("reason", result["message"].splitlines()[0].partition(": ")[2])
        entry.add("link", "unreported")
        entry.add("versions", f"=={version}" if version else "")
        if library not in ("", "torch", "cv2"):
            entry.add("library", library)
        entry.add("witness", _inline(result["case"]["witness"]))
        entries.append(entry)
    document = tomlkit.document()
    if entries:
        document.add("known_failure", entries)
    return tomlkit.dumps(document)


def _inline(value: Any) -> Any:
    """Mappings as inline tables, at any depth."""
    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    for name, item in value.items():
        table.add(name, _inline(item))
    return table
