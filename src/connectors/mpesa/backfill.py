"""M-Pesa's Pull Transactions: what customers paid into a shortcode within the last 48 hours, called back or not.

It lists movements of money, not callbacks: no pushes that failed, no payouts, no reversals. Each transaction becomes a
body of its own, so that one which cannot be read costs no other.

Source: Daraja documentation, "Pull Transaction": times in EAT, both included; more by OffSetValue. How many come at
once is not documented: a list ends where nothing more comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from connectors.mpesa.account import read_account
from connectors.mpesa.pulls import QUERY_PATH, REGISTER_PATH
from connectors.mpesa.refusals import check_answer, credentials_refused
from connectors.mpesa.requests import normalized_phone
from connectors.mpesa.session import Answered, NoAnswer, Session, TokenRefused
from connectors.mpesa.values import EAT
from connectors.spi import Environment, ProviderUnavailable
from connectors.spi.reconciling import Page, Window
from orchestratorx_prism.errors import OutcomeUnknown, ProviderRefused, RequestRejected, SettingsRejected

NEEDS: Final = ("MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET", "MPESA_SHORTCODE")
NOMINATED: Final = "MPESA_PULL_NUMBER"

_LAYOUT: Final = "%Y-%m-%d %H:%M:%S"
_ENDED: Final = frozenset({"1000", "1001"})
"""ResponseCode of a list, and of one that holds nothing."""
_REGISTERED: Final = frozenset({"1000", "1001"})
"""ResponseStatus of a shortcode that is registered now, and of one that was before."""


class _Pulled(msgspec.Struct):
    """The list, nested twice; its transactions stay JSON text."""

    Response: list[msgspec.Raw] | None = None
    ResponseCode: str | int | None = None


_PULLED: Final = msgspec.json.Decoder(_Pulled)
_NESTED: Final = msgspec.json.Decoder(list[msgspec.Raw])


def make_backfill(config: Mapping[str, str], environment: Environment.ValueType) -> PulledTransactions:
    """The list of one shortcode.

    Raises:
        SettingsRejected: A credential is missing, or MPESA_API_BASE is no safe address.
    """
    missing = [key for key in NEEDS if not config.get(key)]
    if missing:
        raise SettingsRejected(f"M-Pesa needs {', '.join(missing)} to be asked for its transactions")
    return PulledTransactions(config, environment)


class PulledTransactions:
    """See `reconciling.Backfill` and `reconciling.Registering`."""

    def __init__(self, config: Mapping[str, str], environment: Environment.ValueType) -> None:
        self._config = config
        self._shortcode = config["MPESA_SHORTCODE"].strip()
        self._session = Session(config, environment)

    @property
    def account(self) -> str:
        """The shortcode."""
        return self._shortcode

    async def page(self, window: Window, cursor: str, *, timeout_s: float) -> Page:
        """One page. The cursor is how many were fetched before."""
        question = {
            "ShortCode": self._shortcode,
            "StartDate": _eat(window.since_s),
            "EndDate": _eat(window.until_s - 1),
            "OffSetValue": cursor or "0",
        }
        try:
            answer = await self._session.request(QUERY_PATH, question, timeout_s, "GET")
        except TokenRefused as error:
            raise credentials_refused(error.message) from error
        if not answer.ok:
            raise _refused(answer)
        bodies = _transactions(answer)
        return Page(bodies, str(int(cursor or "0") + len(bodies)) if bodies else "")

    async def register(self, merchant_id: str, *, timeout_s: float) -> str:
        """Registers the shortcode for pulling, with our callback URL. A repeat is told to be one, and is as good.

        Raises:
            SettingsRejected: MPESA_PULL_NUMBER, or what callback URLs are made of, is missing.
            RequestRejected: The merchant's id cannot stand in a callback URL.
        """
        try:
            number = normalized_phone(self._config.get(NOMINATED, ""), NOMINATED)
        except RequestRejected as error:
            raise SettingsRejected(
                f"{NOMINATED} is no mobile number of Kenya",
                fix="set it to the phone that Safaricom knows for this shortcode: 2547XXXXXXXX",
            ) from error
        body = {
            "ShortCode": self._shortcode,
            "RequestType": "Pull",
            "NominatedNumber": number,
            "CallBackURL": read_account(self._config).callback(merchant_id),
        }
        try:
            answer = await self._session.request(REGISTER_PATH, body, timeout_s)
        except TokenRefused as error:
            raise credentials_refused(error.message) from error
        except NoAnswer as error:
            raise ProviderUnavailable("M-Pesa did not answer the registration", fix="repeat it") from error
        said = answer.said or {}
        status = str(said.get("ResponseStatus") or said.get("ResponseCode") or "")
        if not answer.ok or status not in _REGISTERED:
            raise _refused(answer)
        words = str(said.get("ResponseDescription") or "")
        return words if words.isprintable() and len(words) < 200 else f"ResponseStatus {status}"

    async def aclose(self) -> None:
        """Closes connections."""
        await self._session.aclose()


def _transactions(answer: Answered) -> list[bytes]:
    try:
        pulled = _PULLED.decode(answer.body)
        flat: list[bytes] = []
        for item in pulled.Response or ():
            text = bytes(item)
            flat += [bytes(one) for one in _NESTED.decode(text)] if text.startswith(b"[") else [text]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ProviderUnavailable("M-Pesa's list of transactions cannot be read") from error
    if not flat and str(pulled.ResponseCode or "") not in _ENDED:
        # Failure policy: closed. An answer that is no list must not pass for an empty one.
        raise _refused(answer)
    return flat


def _refused(answer: Answered) -> ProviderRefused | ProviderUnavailable:
    """Asking moves no money, so whatever is no plain refusal is no answer."""
    try:
        check_answer(answer)
    except ProviderRefused as error:
        return ProviderRefused(
            f"M-Pesa refused Pull Transactions (HTTP {answer.status}, {answer.error_code or 'no error code'})",
            fix="register the shortcode once: `orchestrator reconcile mpesa --register`; check the app's products",
            metadata=error.metadata,
        )
    except (ProviderUnavailable, OutcomeUnknown) as error:
        return ProviderUnavailable(error.message)
    return ProviderUnavailable(f"M-Pesa answered Pull Transactions without a list (HTTP {answer.status})")


def _eat(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone(EAT).strftime(_LAYOUT)
