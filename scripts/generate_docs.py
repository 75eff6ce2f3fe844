"""Writes the documents that come from tables: event types, provider types, support table. --check fails if stale.

The provider types are not read from mapping tables but from what the codecs really make of every sample webhook.
"""

from __future__ import annotations

import sys
from pathlib import Path

from connectors.spi import Capability, Context, Environment, Label, SampleRequest, Trust
from orchestrator.ledger.lifecycle import PAYMENT_TRANSITIONS
from orchestrator.plugins import installed_connectors
from orchestratorx_prism.event_types import EVENT_TYPES, OLDER_NAMES

ROOT = Path(__file__).resolve().parent.parent
_NOTE = "<!-- Made by `make docs` from the tables in the code; edit those. -->\n"
_AT_S = 1_767_225_600
"""A fixed moment for samples: 2026-01-01T00:00:00Z."""

WEBHOOK_TEXTS = {
    Capability.WEBHOOKS: "webhooks",
    Capability.ONLINE_VERIFICATION: "online verification",
    Capability.QUERY_BACK: "query back",
}
"""Capabilities that are about webhooks; every other one is an operation."""
SUBJECT_TEXTS = {
    "payment": "payments",
    "refund": "refunds",
    "dispute": "disputes",
    "payout": "payouts",
    "customer": "customers",
    "payment_method": "saved methods",
    "mandate": "mandates",
    "subscription": "subscriptions",
}
"""What operations are about, by the first word of their capability."""
TRUST_TEXTS = {
    Trust.TRUST_SIGNED: "signature over the body",
    Trust.TRUST_SIGNED_WEAKLY: "signature over a checksum of the body; ask the provider before money moves",
    Trust.TRUST_QUERY_BACK: "unsigned: URL token, address list, known request; a success is held until confirmed",
}


def event_types() -> str:
    """docs/event-types.md."""
    lines = [
        _NOTE,
        "# Event types\n",
        "Every event has one of these types; the part before the dot names its `data`.\n",
    ]
    for member, types in EVENT_TYPES.items():
        lines += [f"\n## {member.replace('_', ' ').capitalize()}\n", "| type | meaning |", "|---|---|"]
        lines += [f"| `{name}` | {meaning} |" for name, meaning in types.items()]
    lines += ["\n## Older names\n", "Accepted wherever a type is asked for.\n", "| older | today |", "|---|---|"]
    lines += [f"| `{old}` | `{new}` |" for old, new in OLDER_NAMES.items()]
    lines += ["\n## How a payment's status moves\n", "```mermaid", "stateDiagram-v2"]
    for before, after, event in PAYMENT_TRANSITIONS:
        lines.append(f"    {before or '[*]'} --> {after}: {event}")
    lines += [
        "```\n",
        "The diagram shows the usual way. Webhooks arrive late, twice and out of order, so the status is not moved",
        "along these lines but computed from all facts at once; any order of the same facts gives the same status.",
    ]
    return "\n".join(lines) + "\n"


def provider_types() -> str:
    """docs/provider-events.md."""
    lines = [_NOTE, "# What becomes of each provider's events\n"]
    for label in installed_connectors().values():
        if label.sample is None:
            continue
        lines += [f"\n## {label.title}\n", "| provider's type | our type |", "|---|---|"]
        lines += [f"| `{name}` | {_ours(label, name)} |" for name in label.event_types]
    return "\n".join(lines) + "\n"


def _ours(label: Label, provider_type: str) -> str:
    assert label.sample is not None
    sample = label.sample(SampleRequest(provider_type, secret="", now_s=_AT_S))
    context = Context(
        "default",
        Environment.ENVIRONMENT_SANDBOX,
        _AT_S * 1_000_000_000,
        purpose=sample.purpose,
        known_request=sample.known_request,
    )
    events = label.normalize(label.parse(sample.body), context, sample.body)
    return ", ".join(dict.fromkeys(f"`{event.type}`" for event in events))


def support_table() -> str:
    """The README's table of connectors."""
    lines = ["| connector | carries out | webhooks | why they are believed |", "|---|---|---|---|"]
    for label in installed_connectors().values():
        subjects = dict.fromkeys(one.partition(".")[0] for one in Capability if one in label.capabilities)
        carried_out = ", ".join(text for subject, text in SUBJECT_TEXTS.items() if subject in subjects)
        types = f"{len(label.event_types)} types"
        lines.append(f"| {label.title} (`{label.name}`) | {carried_out} | {types} | {TRUST_TEXTS[label.trust]} |")
    return "\n".join(lines) + "\n"


def operations_table() -> str:
    """Which connector declares which operation, in docs/calling-providers.md."""
    labels = list(installed_connectors().values())
    lines = [f"| | {' | '.join(label.title for label in labels)} |", "|---" * (len(labels) + 1) + "|"]
    for capability in Capability:
        if capability not in WEBHOOK_TEXTS:
            marks = ["yes" if capability in label.capabilities else "" for label in labels]
            lines.append(f"| `{capability}` | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def with_table(readme: str, table: str) -> str:
    """A page with the table between its markers replaced."""
    begin, end = "<!-- support table: begin -->\n", "<!-- support table: end -->"
    head, _, rest = readme.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}{table}{end}{tail}"


def main() -> None:
    readme, calling = ROOT / "README.md", ROOT / "docs" / "calling-providers.md"
    documents = {
        ROOT / "docs" / "event-types.md": event_types(),
        ROOT / "docs" / "provider-events.md": provider_types(),
        readme: with_table(readme.read_text(encoding="utf-8"), support_table()),
        calling: with_table(calling.read_text(encoding="utf-8"), operations_table()),
    }
    if "--check" not in sys.argv[1:]:
        for path, text in documents.items():
            path.write_text(text, encoding="utf-8")
        return
    stale = [str(path.relative_to(ROOT)) for path, text in documents.items() if not _same(path, text)]
    if stale:
        raise SystemExit(f"stale: {', '.join(stale)}\n  fix: make docs, and commit the result")


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    main()
