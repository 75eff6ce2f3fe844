"""What verification needs from PayPal: its certificates, and its own word.

Certificates come from the address in PAYPAL-CERT-URL, after the rules of `cert_url` have passed it. PayPal's own word
is POST /v1/notifications/verify-webhook-signature, asked where credentials are configured; unlike the certificate
check it covers the whole body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import httpx
import msgspec

from connectors.paypal.cert_url import CertificateUrl, parse_certificate_url
from connectors.paypal.endpoints import Endpoints, read_endpoints
from connectors.paypal.session import Session, TooLarge
from connectors.paypal.single_flight import Expiring, SingleFlight
from connectors.paypal.transmission import Transmission, read_transmission
from connectors.paypal.transmissions_seen import TransmissionsSeen
from connectors.paypal.webhooks import SIMULATOR_WEBHOOK_ID, check_environment, given_leaf, webhook_ids
from connectors.spi import Environment, Material, Opened, ProviderUnavailable, SignatureRejected, Webhook
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_PROVIDER_CALL, Verification

MAX_CERTIFICATE_BYTES = 64 * 1024
CERTIFICATE_KEPT_S = 24 * 3_600.0
REFUSAL_KEPT_S = 60.0
"""How long an address without a certificate is not asked again: it costs an attacker one header to name another."""
CERTIFICATES_KEPT = 64

_GONE = {404, 410}
_LATER = {408, 425, 429}
_VERIFY_PATH = "/v1/notifications/verify-webhook-signature"


class _Answer(msgspec.Struct):
    verification_status: str


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
        self._session = Session(endpoints)
        self._certificates: SingleFlight[bytes] = SingleFlight(CERTIFICATES_KEPT)
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
        await self._session.aclose()

    async def _is_genuine(self, question: bytes) -> bool:
        try:
            reply = await self._session.ask("POST", _VERIFY_PATH, {"content-type": "application/json"}, question)
        except ProviderUnavailable as error:
            raise _for_later(error) from error
        status = reply.status
        if status == httpx.codes.FORBIDDEN or status in _LATER or status >= 500:
            raise _unavailable(f"PayPal answered {status} to the check of a webhook")
        if status != httpx.codes.OK:
            return False  # 400, 404, 422: it knows no such message or webhook
        try:
            said = _ANSWER.decode(reply.body).verification_status
        except msgspec.MsgspecError:
            raise _unavailable("PayPal's answer to the check of a webhook cannot be read") from None
        if said not in {"SUCCESS", "FAILURE"}:
            raise _unavailable("PayPal's answer to the check of a webhook is neither success nor failure")
        return said == "SUCCESS"

    async def _fetch_certificate(self, url: CertificateUrl) -> Expiring[bytes]:
        base = self._endpoints.certificate_base
        address = url.url if base is None else f"{base}{url.path}"
        try:
            reply = await self._session.send("GET", address, {}, b"", max_bytes=MAX_CERTIFICATE_BYTES)
        except TooLarge:
            return Expiring(None, REFUSAL_KEPT_S, partial(_no_certificate, "what is there is too large"))
        except ProviderUnavailable as error:
            raise _for_later(error) from error
        if reply.status == httpx.codes.OK:
            return Expiring(reply.body, CERTIFICATE_KEPT_S)
        if reply.status in _GONE or 300 <= reply.status < 400:
            return Expiring(None, REFUSAL_KEPT_S, partial(_no_certificate, f"HTTP {reply.status}"))
        raise _unavailable(f"PayPal answered {reply.status} to the request for its certificate")


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


def _for_later(error: ProviderUnavailable) -> ProviderUnavailable:
    """The same, with what it means for a webhook."""
    return ProviderUnavailable(
        f"{error.message}, so the webhook could not be checked",
        fix=error.fix or "nothing was recorded; PayPal sends the webhook again",
    )


def _unavailable(message: str) -> ProviderUnavailable:
    return ProviderUnavailable(message, fix="nothing was recorded; PayPal sends the webhook again")
