"""Writes docs/catalogue/: what is published, as AsyncAPI, EventCatalog and JSON Schema. --check fails if it is stale.

scripts/generate_catalogue.py              writes it; raises the versions of events whose schemas changed
scripts/generate_catalogue.py --breaking   the same, although it breaks consumers: the events' major version goes up
scripts/generate_catalogue.py --check      fails if what is committed differs, or if it breaks a consumer of the
                                           commit BREAKING_AGAINST (else the one before this)
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestrator.catalogue.about import About, read_about
from orchestrator.catalogue.asyncapi import asyncapi_files
from orchestrator.catalogue.compatibility import Break, breaks_of_channels, breaks_of_events
from orchestrator.catalogue.eventcatalog import eventcatalog_files
from orchestrator.catalogue.gathering import gather
from orchestrator.catalogue.json_schemas import SUFFIX, json_schema, json_schema_files, read_schemas, version_in
from orchestrator.catalogue.model import Catalogue, Json, matches
from orchestrator.catalogue.texts import json_text
from orchestrator.catalogue.versions import parts_of, raised_versions, recorded_versions
from orchestrator.catalogue.writing import VERSIONED, write_files
from orchestrator.publishing.channels import BUILT_IN, built_in_channels

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("docs") / "catalogue"
VERSIONS = ROOT / "src" / "orchestrator" / "catalogue" / "versions.json"
FIX = "make catalogue, and commit the result"


def all_files(catalogue: Catalogue) -> dict[str, str]:
    """Path below docs/catalogue → text, of all formats."""
    formats = {
        "": asyncapi_files(catalogue),
        "eventcatalog/": eventcatalog_files(catalogue),
        "jsonschema/": json_schema_files(catalogue),
    }
    return {f"{folder}{name}": text for folder, files in formats.items() for name, text in files.items()}


def catalogue_of(about: About, versions: Mapping[str, str]) -> Catalogue:
    """Of every built-in channel."""
    return asyncio.run(gather(built_in_channels(tuple(BUILT_IN)), about, versions=versions))


def committed_schemas(folder: Path) -> dict[str, Json]:
    """Id of an event → its schema as it is on disk; none before the first."""
    return read_schemas(folder / "jsonschema") if (folder / "jsonschema").exists() else {}


def write(folder: Path, about: About, *, breaking: bool) -> None:
    """Raises versions where schemas changed, and writes everything."""
    versions = recorded_versions()
    fresh = {event.shape.id: json_schema(event) for event in catalogue_of(about, versions).events}
    old = committed_schemas(folder)
    after, broken = raised_versions(old, fresh, versions)
    broken += [each for each in breaks_of_events(old, fresh) if each.rule == "EVENT_REMOVED"]
    if broken and not breaking:
        raise SystemExit(_told(broken, about) + "\n  fix: keep what consumers read; or, on purpose, --breaking")
    VERSIONS.write_text(json_text(after), encoding="utf-8")
    files = all_files(catalogue_of(about, after))
    write_files(folder, files)
    for path in extra_files(folder, files):
        (folder / path).unlink()


def extra_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What is there and should not be. Older versions stay, and what people wrote: about.toml, README.md."""
    there = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    ours = [path for path in there if "/" in path and VERSIONED not in Path(path).parts]
    return [path for path in ours if path not in files]


def stale_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What differs from what the code makes now."""
    changed = [
        name
        for name, text in files.items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text
    ]
    return changed + extra_files(folder, files)


def schemas_at(commit: str) -> tuple[dict[str, Json], Json] | None:
    """The schemas and the AsyncAPI document of a commit; None if it has none, or there is no such commit."""
    listed = _git("ls-tree", "-r", "--name-only", commit, "--", f"{FOLDER}/jsonschema/")
    paths = [path for path in (listed or "").splitlines() if path.endswith(SUFFIX)]
    document = _git("show", f"{commit}:{FOLDER}/asyncapi.json")
    if not paths or document is None:
        return None
    texts = {path: _git("show", f"{commit}:{path}") for path in paths}
    schemas = {Path(path).name.removesuffix(SUFFIX): json.loads(text) for path, text in texts.items() if text}
    return schemas, json.loads(document)


def breaks_since(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[Break]:
    """Of those whose major version did not go up."""
    return [each for each in breaks_of_events(old, new) if not _is_announced(each.event, old, new)]


def _is_announced(event: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    return event in new and parts_of(version_in(new[event]))[0] > parts_of(version_in(old[event]))[0]


def check(folder: Path, about: About) -> None:
    """Raises SystemExit with everything that is stale, or would break somebody."""
    catalogue = catalogue_of(about, recorded_versions())
    stale = stale_files(folder, all_files(catalogue))
    if stale:
        shown = ", ".join(stale[:10]) + (f" and {len(stale) - 10} more" if len(stale) > 10 else "")
        raise SystemExit(f"stale in {FOLDER}: {shown}\n  fix: {FIX}")
    base = schemas_at(os.environ.get("BREAKING_AGAINST", "HEAD~1"))
    if base is None:
        return
    schemas, document = base
    committed = json.loads((folder / "asyncapi.json").read_text(encoding="utf-8"))
    broken = breaks_since(schemas, committed_schemas(folder)) + breaks_of_channels(document, committed)
    if broken:
        raise SystemExit(
            _told(broken, about) + "\n  fix: keep what consumers read; or raise the major version on purpose"
        )


def _told(broken: list[Break], about: About) -> str:
    lines = ["this breaks consumers:"]
    for each in broken:
        readers = [c.title for c in about.all_consumers() if any(matches(pattern, each.event) for pattern in c.reads)]
        lines.append(f"  {each}" + (f" (read by {', '.join(readers)})" if readers else ""))
    return "\n".join(lines)


def _git(*arguments: str) -> str | None:
    run = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    return run.stdout if run.returncode == 0 else None


def main() -> None:
    folder = ROOT / FOLDER
    about = read_about(folder / "about.toml")
    if "--check" in sys.argv[1:]:
        check(folder, about)
    else:
        write(folder, about, breaking="--breaking" in sys.argv[1:])


if __name__ == "__main__":
    main()
