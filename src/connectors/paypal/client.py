"""What verification needs from PayPal: its certificates, and its own word. The only file of this folder with I/O.

Certificates come from the address in PAYPAL-CERT-URL, after the rules of `cert_url` have passed it. PayPal's own word
is POST /v1/notifications/verify-webhook-signature, asked where credentials are configured; unlike the certificate
check it covers the whole body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import httpx
import msgspec

from connectors.paypal.cert_url import CertificateUrl, parse_certificate_url
from connectors.paypal.endpoints import Endpoints, read_endpoints
from connectors.paypal.single_flight import Expiring, SingleFlight
from connectors.paypal.transmission import Transmission, read_transmission
from connectors.paypal.transmissions_seen import TransmissionsSeen
from connectors.paypal.webhooks import SIMULATOR_WEBHOOK_ID, check_environment, given_leaf, webhook_ids
from connectors.spi import Environment, Material, Opened, ProviderUnavailable, SignatureRejected, Webhook
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_PROVIDER_CALL, Verification

MAX_CERTIFICATE_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 256 * 1024
CERTIFICATE_KEPT_S = 24 * 3_600.0
REFUSAL_KEPT_S = 60.0
"""How long an address without a certificate is not asked again: it costs an attacker one header to name another."""
CERTIFICATES_KEPT = 64
TIMEOUT_S = 10.0
"""For one question with its answer, connection included."""
TOKEN_MARGIN_S = 60.0
"""A token is taken for expired that long before it is."""

_GONE = {404, 410}
_CREDENTIALS = {401, 403}
_LATER = {408, 425, 429}


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int | float | str


class _Answer(msgspec.Struct):
    verification_status: str


_TOKEN = msgspec.json.Decoder(_Token)
_ANSWER = msgspec.json.Decoder(_Answer)
_VERIFIED = Verification(
    method=VERIFICATION_METHOD_PROVIDER_CALL,
    detail="PayPal was asked, and confirmed the message with its whole body (verify-webhook-signature)",
)


def make_outside(credentials: Mapping[str, str], environment: Environment.ValueType) -> PayPalOutside:
    """The outside half for one merchant.

    Args:
        credentials: PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET for the online check; PAYPAL_API_BASE and
            PAYPAL_CERT_HOST for simulators.

    Raises:
        SettingsRejected: One of two credentials, or an address that credentials may not go to.
    """
    return PayPalOutside(read_endpoints(credentials, environment))


class PayPalOutside:
    """See `connectors.spi.Outside`. Belongs to one event loop."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._client: httpx.AsyncClient | None = None
        self._certificates: SingleFlight[bytes] = SingleFlight(CERTIFICATES_KEPT)
        self._tokens: SingleFlight[str] = SingleFlight(1)
        self._seen = TransmissionsSeen()

    async def gather(self, webhook: Webhook, material: Material) -> Material:
        """Fetches the certificates that PAYPAL-CERT-URL names. A leaf given by the caller pins it: nothing is fetched.

        Raises:
            SignatureRejected: The headers are not PayPal's, or the address breaks a rule, or nothing is there.
            ProviderUnavailable: PayPal did not answer.
        """
        transmission = read_transmission(webhook.headers)
        webhook_ids(material)
        url = parse_certificate_url(transmission.certificate_url)
        check_environment(url, material)
        if not url.fetchable or given_leaf(url, material):
            return material
        pem = await self._certificates.get(url.url, partial(self._fetch_certificate, url))
        return replace(material, fetched_certificates=(pem,))

    async def confirm(self, webhook: Webhook, opened: Opened, material: Material) -> Verification | None:
        """Asks PayPal whether the message is its own, with the body's raw bytes.

        None without credentials, and for the simulator's messages, which PayPal does not confirm; then a transmission
        that came before with another body is refused.

        Raises:
            SignatureRejected: PROVIDER_REFUSED, TRANSMISSION_REUSED.
            ProviderUnavailable: PayPal did not answer; nothing may be believed.
        """
        transmission = read_transmission(webhook.headers)
        asked = [one for one in webhook_ids(material) if one != SIMULATOR_WEBHOOK_ID]
        if not self._endpoints.client_id or not asked:
            self._seen.check(transmission.id, webhook.body)
            return None
        for webhook_id in asked:
            if await self._is_genuine(_question(transmission, webhook_id, webhook.body)):
                return _VERIFIED
        raise _refused()

    async def aclose(self) -> None:
        """Closes connections."""
        await self._certificates.aclose()
        await self._tokens.aclose()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _is_genuine(self, question: bytes) -> bool:
        token = await self._token()
        status, answer = await self._ask(question, token)
        if status in _CREDENTIALS:  # a token may end before its time
            self._tokens.forget("token", token)
            status, answer = await self._ask(question, await self._token())
        if status in _CREDENTIALS:
            raise _credentials_refused(status)
        if status in _LATER or status >= 500:
            raise _unavailable(f"PayPal answered {status} to the check of a webhook")
        if status != httpx.codes.OK:
            return False  # 400, 404, 422: it knows no such message or webhook
        try:
            said = _ANSWER.decode(answer).verification_status
        except msgspec.MsgspecError:
            raise _unavailable("PayPal's answer to the check of a webhook cannot be read") from None
        if said not in {"SUCCESS", "FAILURE"}:
            raise _unavailable("PayPal's answer to the check of a webhook is neither success nor failure")
        return said == "SUCCESS"

    async def _ask(self, question: bytes, token: str) -> tuple[int, bytes]:
        url = f"{self._endpoints.api_base}/v1/notifications/verify-webhook-signature"
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return await self._send("POST", url, headers, question)

    async def _token(self) -> str:
        return await self._tokens.get("token", self._fetch_token)

    async def _fetch_token(self) -> Expiring[str]:
        url = f"{self._endpoints.api_base}/v1/oauth2/token"
        headers = {
            "authorization": self._endpoints.basic_authorization,
            "content-type": "application/x-www-form-urlencoded",
        }
        status, answer = await self._send("POST", url, headers, b"grant_type=client_credentials")
        if status in _CREDENTIALS or status == httpx.codes.BAD_REQUEST:
            raise _credentials_refused(status)
        if status != httpx.codes.OK:
            raise _unavailable(f"PayPal answered {status} to the request for a token")
        try:
            token = _TOKEN.decode(answer)
            lifetime_s = float(token.expires_in)
        except (msgspec.MsgspecError, ValueError):
            raise _unavailable("PayPal's token cannot be read") from None
        return Expiring(token.access_token, max(lifetime_s - TOKEN_MARGIN_S, 0.0))

    async def _fetch_certificate(self, url: CertificateUrl) -> Expiring[bytes]:
        base = self._endpoints.certificate_base
        address = url.url if base is None else f"{base}{url.path}"
        try:
            status, answer = await self._send("GET", address, {}, b"", MAX_CERTIFICATE_BYTES)
        except _TooLarge:
            return Expiring(None, REFUSAL_KEPT_S, partial(_no_certificate, "what is there is too large"))
        if status == httpx.codes.OK:
            return Expiring(answer, CERTIFICATE_KEPT_S)
        if status in _GONE or 300 <= status < 400:
            return Expiring(None, REFUSAL_KEPT_S, partial(_no_certificate, f"HTTP {status}"))
        raise _unavailable(f"PayPal answered {status} to the request for its certificate")

    async def _send(
        self, method: str, url: str, headers: dict[str, str], content: bytes, max_bytes: int = MAX_ANSWER_BYTES
    ) -> tuple[int, bytes]:
        """(status, body). Redirects are not followed; the body's size is capped; all of it takes TIMEOUT_S at most."""
        if self._client is None:
            self._client = _make_client()
        # Unpacking could make much of little; PayPal honours the wish.
        request = self._client.build_request(
            method, url, headers={**headers, "accept-encoding": "identity"}, content=content
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._client.send(request, stream=True)
                try:
                    return response.status_code, await _read(response, max_bytes)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise _unavailable(f"PayPal did not answer ({type(error).__name__})") from error


class _TooLarge(ProviderUnavailable):
    """An answer is larger than it can be."""


def _make_client() -> httpx.AsyncClient:
    # Neither proxies nor netrc from the environment; the system's roots beside certifi's.
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIMEOUT_S, verify=context)


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > max_bytes:
            raise _TooLarge("PayPal's answer is larger than it can be")
    return bytes(body)


def _question(transmission: Transmission, webhook_id: str, body: bytes) -> bytes:
    """The request's JSON. The event goes in as the bytes that came: PayPal compares, and JSON written anew differs.

    `body` is one whole JSON value: `open` has decoded it, so that nothing can follow or precede it in here.
    """
    fields = msgspec.json.encode(
        {
            "auth_algo": "SHA256withRSA",
            "cert_url": transmission.certificate_url,
            "transmission_id": transmission.id,
            "transmission_sig": transmission.signature_text,
            "transmission_time": transmission.time,
            "webhook_id": webhook_id,
        }
    )
    return fields[:-1] + b',"webhook_event":' + body + b"}"


def _no_certificate(why: str) -> SignatureRejected:
    return SignatureRejected(
        f"there is no certificate at the address that the message names ({why})",
        reason="CERTIFICATE_UNAVAILABLE",
        fix="pass the headers as received",
    )


def _refused() -> SignatureRejected:
    return SignatureRejected(
        "PayPal says that the message is not its own",
        reason="PROVIDER_REFUSED",
        fix="pass the raw body as received; check that the webhook id and the API credentials are of the same app",
    )


def _credentials_refused(status: int) -> ProviderUnavailable:
    return ProviderUnavailable(
        f"PayPal refused the API credentials (HTTP {status}), so the webhook could not be checked",
        fix="set PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET of the app, for the right environment",
    )


def _unavailable(message: str) -> ProviderUnavailable:
    return ProviderUnavailable(message, fix="nothing was recorded; PayPal sends the webhook again")
