"""How the formats write JSON and Markdown: always the same bytes for the same values."""

from __future__ import annotations

import json


def json_text(value: object) -> str:
    """Indented, in the order given, with a newline at its end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def mdx_text(text: str) -> str:
    """A sentence in MDX, where braces and angle brackets outside code would be read as a program."""
    pieces = text.split("`")
    for index in range(0, len(pieces), 2):  # between backticks stands code, which MDX leaves alone
        pieces[index] = pieces[index].replace("{", "\\{").replace("}", "\\}").replace("<", "\\<")
    return "`".join(pieces)


def front_matter(values: dict[str, object]) -> str:
    """YAML between its two lines. Values are written as JSON, which YAML reads as it is."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join(["---", *lines, "---", ""])
