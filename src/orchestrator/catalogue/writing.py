"""Puts a format's files into a folder. What is there already and not ours is left alone.

An event's folder of EventCatalog whose version is another one is moved to `versioned/` before the new one takes its
place, so that an export into the same folder after each upgrade builds up the history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from orchestrator.catalogue.versions import parts_of
from orchestratorx_prism.errors import SettingsRejected

PAGE: Final = "index.mdx"
VERSIONED: Final = "versioned"
_VERSION = re.compile(r"^version:\s*[\"']?([0-9]+\.[0-9]+\.[0-9]+)[\"']?\s*$", re.MULTILINE)


def write_files(folder: Path, files: Mapping[str, str]) -> int:
    """Writes what differs. Returns how many files were written.

    Args:
        files: Path inside the folder → text.

    Raises:
        SettingsRejected: The folder cannot be written to.
    """
    written = 0
    try:
        for name, text in files.items():
            path = folder / name
            before = path.read_text(encoding="utf-8") if path.exists() else None
            if before == text:
                continue
            if before is not None and path.name == PAGE and path.parent.parent.name == "events":
                _keep_version(path.parent, before, text)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written += 1
    except OSError as error:
        where = error.filename or folder
        raise SettingsRejected(
            f"{where}: {error.strerror}", fix="give --output a folder that can be written to"
        ) from None
    return written


def _keep_version(event_folder: Path, before: str, after: str) -> None:
    """Moves the older version's files to `versioned/`, if it is another version."""
    old, new = version_of(before), version_of(after)
    if old is None or new is None or parts_of(old) >= parts_of(new):
        return
    kept = event_folder / VERSIONED / old
    kept.mkdir(parents=True, exist_ok=True)
    for path in sorted(event_folder.iterdir()):
        if path.is_file():
            path.replace(kept / path.name)


def version_of(page: str) -> str | None:
    """The version in a page's front matter; None if it has none that we wrote."""
    found = _VERSION.search(page.partition("\n---")[0])
    return found[1] if found else None
