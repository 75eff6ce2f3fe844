"""Coverage-guided fuzzing of one codec: python tests/fuzzing/fuzz_codecs.py CONNECTOR [libFuzzer options].

Any bytes, headers and tokens may end in events or in a typed refusal; anything else is a crash. It begins with
the simulator's own samples.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["connectors"]):
    from connectors.spi import Context, Environment, Material, SampleRequest, Webhook
    from orchestrator.plugins import connector_named
    from orchestratorx_prism.errors import PayloadRejected, SignatureRejected

NOW_S = 1_780_000_000
SECRETS = {"stripe": "whsec_fuzz", "adyen": "AB" * 32, "paypal": "3TR748995U920805P", "mpesa": "t" * 32}
SEEDS = 40


def main(name: str, options: list[str]) -> None:
    label = connector_named(name)
    secret = SECRETS[name]
    context = Context("default", Environment.ENVIRONMENT_SANDBOX, NOW_S * 10**9)
    assert label.sample is not None
    sample = label.sample
    first = sample(SampleRequest(label.event_types[0], secret=secret, now_s=NOW_S))
    headers = {key.lower(): value for key, value in first.headers.items()}
    material = Material(
        secrets=(secret,), webhook_id=secret if label.webhook_id_key else "", certificates=first.certificates
    )

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        if provider.ConsumeBool():
            changed = {key: provider.ConsumeUnicode(60) for key in headers if provider.ConsumeBool()}
            webhook = Webhook(first.body, {**headers, **changed}, provider.ConsumeUnicode(40))
            try:
                label.open(webhook, material, NOW_S)
            except (SignatureRejected, PayloadRejected):
                return
            return
        body = provider.ConsumeBytes(provider.remaining_bytes())
        try:
            for event in label.normalize(label.parse(body), context, body):
                event.SerializeToString()
        except PayloadRejected:
            return

    with tempfile.TemporaryDirectory() as corpus:
        for number, event_type in enumerate(label.event_types[:: max(1, len(label.event_types) // SEEDS)]):
            made = sample(SampleRequest(event_type, secret=secret, now_s=NOW_S))
            Path(corpus, str(number)).write_bytes(made.body + b"\x00")
        atheris.Setup([sys.argv[0], *options, corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
