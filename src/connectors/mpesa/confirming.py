"""Asking Daraja whether an STK callback is true. The HTTP itself is in `session.py`.

What the answer proves: that M-Pesa knows the CheckoutRequestID, and how that push ended. What it does not prove: the
amount, the receipt and the payer, for the query returns none of them. An amount is proven by the known request, which
`open` compares; so let it be known, or treat the amount of a queried success as the amount that was asked for.
Only STK pushes can be asked about at once: TransactionStatus answers by another callback, as unsigned as the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.mpesa import codes as c
from connectors.mpesa.account import stk_question
from connectors.mpesa.refusals import is_being_processed
from connectors.mpesa.session import Session
from connectors.mpesa.shapes import Envelope, StkCallback
from connectors.mpesa.values import required, text
from connectors.spi import (
    Environment,
    Material,
    Opened,
    PayloadRejected,
    ProviderUnavailable,
    SignatureRejected,
    Webhook,
)
from orchestratorx_prism.v1.event_pb2 import VERIFICATION_METHOD_QUERY_BACK, Verification

QUERY_PATH: Final = "/mpesa/stkpushquery/v1/query"

TOTAL_TIMEOUT_S: Final = 8.0
"""For everything one callback makes us ask: Safaricom waits about 30 seconds for our answer."""

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
        self._shortcode = config.get("MPESA_SHORTCODE", "")
        self._passkey = config.get("MPESA_PASSKEY", "")
        self._session = Session(config, environment, now_s)
        self._now_s = now_s

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
        claim = _claim(envelope.bare_callback if envelope.body is None else envelope.body.stk_callback)
        if claim is None or not (self._session.has_credentials and self._shortcode and self._passkey):
            return None
        checkout, claimed = claim
        answer = await self._query(checkout)
        return None if answer is None else _compare(claimed, answer)

    async def aclose(self) -> None:
        """Closes connections."""
        await self._session.aclose()

    async def _query(self, checkout: str) -> str | None:
        """The push's result code by Daraja; None while it is being processed."""
        question = stk_question(self._shortcode, self._passkey, self._now_s(), checkout)
        answer = await self._session.request(QUERY_PATH, question, TOTAL_TIMEOUT_S)
        said = answer.said
        if said is None:
            raise ProviderUnavailable(f"M-Pesa answered without JSON (HTTP {answer.status})")
        if answer.ok and said.get("ResultCode") is not None:
            if said.get("CheckoutRequestID") != checkout:
                raise ProviderUnavailable("M-Pesa answered an STK query about another push")
            return _code(said["ResultCode"])
        if is_being_processed(answer):
            return None
        raise ProviderUnavailable(
            f"M-Pesa refused an STK query (HTTP {answer.status}, {answer.error_code or 'no error code'})",
            fix="check MPESA_SHORTCODE, MPESA_PASSKEY and the app's products on the Daraja portal",
        )


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


def _code(value: Any) -> str:
    try:
        return text(value, "ResultCode")
    except PayloadRejected:
        raise ProviderUnavailable("M-Pesa answered an STK query with a result code of no known form") from None
