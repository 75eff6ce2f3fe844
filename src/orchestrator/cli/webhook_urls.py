"""Where a simulated webhook goes."""

from __future__ import annotations

import httpx

from connectors.spi import SampleWebhook


def webhook_url(to: httpx.URL, sample: SampleWebhook, connector: str, merchant: str) -> httpx.URL:
    """`to` itself, or of a server without a path its ingress; with the token and purpose that the webhook needs."""
    url = to
    if url.path in {"", "/"}:
        token = f"/{sample.url_token}" if sample.url_token else ""
        url = url.copy_with(path=f"/webhooks/{connector}/{merchant}{token}")
    return url.copy_merge_params({"purpose": sample.purpose}) if sample.purpose else url
