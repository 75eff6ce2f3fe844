"""Asking Daraja whether an STK callback is true; the only file here that does I/O.

What the answer proves: that M-Pesa knows the CheckoutRequestID, and how that push ended. What it does not prove: the
amount, the receipt and the payer, for the query returns none of them. An amount is proven by the known request, which
`open` compares; so let it be known, or treat the amount of a queried success as the amount that was asked for.
Only STK pushes can be asked about at once: TransactionStatus answers by another callback, as unsigned as the first.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx
import msgspec

from connectors.mpesa import codes as c
from connectors.mpesa import mapping as m
from connectors.mpesa.shapes import Envelope, StkCallback, exact
from connectors.mpesa.values import EAT, required, text
from connectors.spi import (
    Environment,
    Material,
    Opened,
    PayloadRejected,
    ProviderUnavailable,
    SignatureRejected,
    Webhook,
)
from orchestratorx_prism.errors import SettingsRejected
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_QUERY_BACK, Verification

CONFIG_KEYS: Final[Mapping[str, str]] = {
    "MPESA_CONSUMER_KEY": "Daraja portal > My Apps > the app > Consumer Key",
    "MPESA_CONSUMER_SECRET": "Daraja portal > My Apps > the app > Consumer Secret",
    "MPESA_SHORTCODE": "The pay bill number, or the head office number of a till",
    "MPESA_PASSKEY": "Sandbox: Daraja portal > Simulator > M-Pesa Express; production: in the go-live mail",
    "MPESA_URL_TOKEN": "Made by you (`openssl rand -hex 24`): the end of every callback URL; several by commas",
    "MPESA_API_BASE": "Only for simulators and proxies; empty: Safaricom's own host for the environment",
}

HOSTS: Final[Mapping[int, str]] = {
    Environment.ENVIRONMENT_SANDBOX: "https://sandbox.safaricom.co.ke",
    Environment.ENVIRONMENT_PRODUCTION: "https://api.safaricom.co.ke",
}

TOKEN_PATH: Final = "/oauth/v1/generate"  # noqa: S105 - a path
QUERY_PATH: Final = "/mpesa/stkpushquery/v1/query"

CALL_TIMEOUT_S: Final = 5.0
TOTAL_TIMEOUT_S: Final = 8.0
"""For everything one callback makes us ask: Safaricom waits about 30 seconds for our answer."""

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_REFRESH_BEFORE_S: Final = 60.0
"""How long before its end a token is renewed."""

# Source: Daraja documentation, "Authorization" and error codes of each API.
_BAD_TOKEN_CODES: Final = frozenset({"404.001.03", "400.003.01", "401.002.01", "401.003.01"})
_MAY_BE_PROCESSING: Final = "500.001.1001"

CONFIRMED: Final = Verification(
    method=VERIFICATION_METHOD_QUERY_BACK,
    detail="STK query agrees on how the push ended; it states neither amount nor receipt",
)


def make_outside(config: Mapping[str, str], environment: Environment.ValueType) -> Daraja:
    """The I/O half for one merchant. Without all four credentials it confirms nothing, and asks nothing.

    Raises:
        SettingsRejected: MPESA_API_BASE is no https address, nor one of this machine.
    """
    return Daraja(config, environment)


class Daraja:
    """Safaricom's API as far as callbacks need it. One per merchant; holds connections and the access token."""

    def __init__(
        self,
        config: Mapping[str, str],
        environment: Environment.ValueType,
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._consumer = (config.get("MPESA_CONSUMER_KEY", ""), config.get("MPESA_CONSUMER_SECRET", ""))
        self._shortcode = config.get("MPESA_SHORTCODE", "")
        self._passkey = config.get("MPESA_PASSKEY", "")
        self._base = _base(config, environment)
        self._now_s = now_s
        self._http: httpx.AsyncClient | None = None
        self._token = ""
        self._renew_at_s = 0.0
        self._renewing = asyncio.Lock()

    async def gather(self, _webhook: Webhook, material: Material) -> Material:
        """Nothing is needed before `open`."""
        return material

    async def confirm(self, _webhook: Webhook, opened: Opened, _material: Material) -> Verification | None:
        """Asks how the push of an STK callback ended.

        Returns:
            QUERY_BACK where Daraja says the same; None where it cannot tell (yet), where the body is no STK callback,
            or where there are no credentials.

        Raises:
            SignatureRejected: PROVIDER_REFUSED: Daraja says success and the callback failure, or the other way round.
            ProviderUnavailable: Daraja did not answer, or refused our credentials.
        """
        envelope: Envelope = opened.parsed.envelope
        claim = _claim(envelope.body.stk_callback) if envelope.body is not None else None
        if claim is None or not (all(self._consumer) and self._shortcode and self._passkey):
            return None
        checkout, claimed = claim
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                answer = await self._query(checkout)
        except TimeoutError:
            raise ProviderUnavailable("M-Pesa did not answer an STK query in time") from None
        return None if answer is None else _compare(claimed, answer)

    async def aclose(self) -> None:
        """Closes connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _query(self, checkout: str) -> str | None:
        """The push's result code by Daraja; None while it is being processed."""
        token = await self._access_token("")
        reply = await self._ask(checkout, token)
        if _is_bad_token(reply):
            reply = await self._ask(checkout, await self._access_token(token))
        said = _decoded(reply)
        if reply.is_success and said.get("ResultCode") is not None:
            if said.get("CheckoutRequestID") != checkout:
                raise ProviderUnavailable("M-Pesa answered an STK query about another push")
            return _code(said["ResultCode"])
        code = said.get("errorCode")
        sentence = str(said.get("errorMessage", "")).lower()
        if code == _MAY_BE_PROCESSING and not any(words in sentence for words in m.REFUSED_CALLS):
            return None
        raise ProviderUnavailable(
            f"M-Pesa refused an STK query (HTTP {reply.status_code}, {_shown(code)})",
            fix="check MPESA_SHORTCODE, MPESA_PASSKEY and the app's products on the Daraja portal",
        )

    async def _ask(self, checkout: str, token: str) -> httpx.Response:
        stamp = datetime.fromtimestamp(self._now_s(), UTC).astimezone(EAT).strftime("%Y%m%d%H%M%S")
        password = base64.b64encode(f"{self._shortcode}{self._passkey}{stamp}".encode()).decode()
        body = {
            "BusinessShortCode": self._shortcode,
            "Password": password,
            "Timestamp": stamp,
            "CheckoutRequestID": checkout,
        }
        return await self._send("POST", QUERY_PATH, json=body, headers={"authorization": f"Bearer {token}"})

    async def _access_token(self, refused: str) -> str:
        """A token that still holds. Renewed once for all who wait, and never because of one that is replaced already.

        Args:
            refused: The token that Daraja has just refused; empty if none.
        """
        async with self._renewing:
            held = self._token != "" and self._now_s() < self._renew_at_s
            if held and not (refused and hmac.compare_digest(refused.encode(), self._token.encode())):
                return self._token
            reply = await self._send(
                "GET", TOKEN_PATH, params={"grant_type": "client_credentials"}, auth=httpx.BasicAuth(*self._consumer)
            )
            said = _decoded(reply)
            token = said.get("access_token")
            if not reply.is_success or not isinstance(token, str) or not token:
                raise ProviderUnavailable(
                    f"M-Pesa gave no access token (HTTP {reply.status_code}, {_shown(said.get('errorCode'))})",
                    fix="check MPESA_CONSUMER_KEY and MPESA_CONSUMER_SECRET, and that they are of this environment",
                )
            lifetime_s = _seconds(said.get("expires_in"))
            self._token = token
            self._renew_at_s = self._now_s() + lifetime_s - min(_REFRESH_BEFORE_S, lifetime_s / 2)
            return token

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        if self._http is None:
            self._http = httpx.AsyncClient(base_url=self._base, timeout=CALL_TIMEOUT_S, follow_redirects=False)
        try:
            return await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ProviderUnavailable(f"M-Pesa could not be reached ({type(error).__name__})") from error


def _base(config: Mapping[str, str], environment: Environment.ValueType) -> str:
    given = config.get("MPESA_API_BASE", "")
    if not given:
        return HOSTS[environment or Environment.ENVIRONMENT_SANDBOX]
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL:
        url = httpx.URL("")
    # Failure policy: closed. Credentials do not travel in the clear.
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and url.host in _THIS_MACHINE)):
        raise SettingsRejected(
            "MPESA_API_BASE is neither an https address nor one of this machine",
            fix="leave it empty for Safaricom's own host",
        )
    return given


def _claim(callback: StkCallback | None) -> tuple[str, str] | None:
    """CheckoutRequestID and result code of a callback. None where they cannot be read: `normalize` refuses it."""
    if callback is None:
        return None
    try:
        return (
            required(callback.checkout_request_id, "CheckoutRequestID"),
            text(callback.result_code, "ResultCode"),
        )
    except PayloadRejected:
        return None


def _compare(claimed: str, answer: str) -> Verification | None:
    """Agreement is on how it ended, for one refusal may have two codes; of what is not final, on the code itself."""
    ours, theirs = (c.meaning_of(c.STK_CODES, code) for code in (claimed, answer))
    if not (_is_final(ours) and _is_final(theirs)):
        return CONFIRMED if claimed == answer and answer != "" else None
    if (ours is c.OK) != (theirs is c.OK):
        raise SignatureRejected(
            "M-Pesa says that the push ended otherwise than the callback claims",
            reason="PROVIDER_REFUSED",
            fix="do not believe this callback; change the URL token if such callbacks go on",
        )
    return CONFIRMED


def _is_final(meaning: c.Meaning) -> bool:
    return meaning is c.OK or meaning.decline is not None


def _is_bad_token(reply: httpx.Response) -> bool:
    return reply.status_code == 401 or (not reply.is_success and _decoded(reply).get("errorCode") in _BAD_TOKEN_CODES)


_DECODER: Final = msgspec.json.Decoder(dict[str, Any], float_hook=exact)


def _decoded(reply: httpx.Response) -> dict[str, Any]:
    try:
        return _DECODER.decode(reply.content)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        if reply.status_code == 401:
            return {}
        raise ProviderUnavailable(f"M-Pesa answered without JSON (HTTP {reply.status_code})") from None


def _code(value: Any) -> str:
    try:
        return text(value, "ResultCode")
    except PayloadRejected:
        raise ProviderUnavailable("M-Pesa answered an STK query with a result code of no known form") from None


def _shown(code: Any) -> str:
    """An error code for people, if it has the form of one."""
    return code if isinstance(code, str) and len(code) < 32 and code.replace(".", "").isalnum() else "no error code"


def _seconds(expires_in: Any) -> float:
    """How long a token holds. Daraja says it in text, "3599"; 0 where it cannot be read: then it serves once."""
    try:
        return min(float(expires_in), 86_400.0) if isinstance(expires_in, str | int | Decimal) else 0.0
    except ValueError:
        return 0.0
