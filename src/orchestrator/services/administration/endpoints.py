"""WebhookEndpointService: endpoints of merchants, their secrets, and what to send again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from orchestrator.delivery.attempting import headers_of
from orchestrator.delivery.egress import Guard
from orchestrator.delivery.endpoint_ids import endpoint_id, endpoint_number, new_number
from orchestrator.delivery.messages import PING, ping_body
from orchestrator.delivery.posting import Poster
from orchestrator.delivery.recovering import recover
from orchestrator.delivery.registry import (
    SEALED_AS,
    Registry,
    headers_place,
    open_headers,
    open_secrets,
    secret_place,
)
from orchestrator.delivery.signing import ED25519, HMAC, Secret, new_secret, secret_text
from orchestrator.delivery.verdicts import Verdict, judge
from orchestrator.ledger.filters import DEFAULT_MERCHANT
from orchestrator.ledger.paging import fingerprint, position_of, token_after
from orchestrator.ledger.tables import Row, Tables
from orchestrator.services.administration import endpoint_rows as rows
from orchestrator.services.administration.endpoint_checks import (
    check_description,
    checked_headers,
    checked_in_flight,
    checked_per_second,
    checked_types,
    names_of,
)
from orchestrator.services.administration.revising import no_such_merchant
from orchestrator.services.checks import field_fault, page_size
from orchestrator.vault import Vault
from orchestratorx_prism.errors import RequestRejected
from orchestratorx_prism.v1 import webhook_endpoint_service_pb2 as pb
from orchestratorx_prism.v1.webhook_endpoint_service_pb2 import WebhookEndpoint

DEFAULT_OVERLAP_S: Final = 86_400
MOST_OVERLAP_S: Final = 30 * 86_400


class WebhookEndpointService:
    """Its methods are the rpcs. Each administrative act writes its audit row in its own transaction."""

    def __init__(
        self,
        tables: Tables,
        vault: Vault,
        guard: Guard,
        poster: Poster,
        *,
        exists: Callable[[str], bool] = lambda _merchant_id: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`exists`: whether there is such a merchant."""
        self._exists = exists
        self._tables = tables
        self._vault = vault
        self._guard = guard
        self._poster = poster
        self._registry = Registry(tables, vault)
        self._clock = clock

    async def create(self, request: pb.WebhookEndpointServiceCreateRequest) -> pb.WebhookEndpointServiceCreateResponse:
        """Makes an endpoint.

        Raises:
            NotFound: There is no such merchant.
            RequestRejected: A field is wrong; a URL that is not let out says why by its `reason`.
            SettingsRejected: There is no key to seal its secret with.
        """
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        if not self._exists(merchant_id):
            raise no_such_merchant()
        check_description(request.description)
        types = checked_types(request.event_types)
        headers = checked_headers(request.headers)
        most, rate = checked_in_flight(request.max_in_flight), checked_per_second(request.per_second)
        await self._check_url(request.url)
        n = new_number()
        made = [new_secret(kind) for kind in ((HMAC, ED25519) if request.asymmetric else (HMAC,))]
        values = {
            "n": n,
            "merchant_id": merchant_id,
            "url": request.url,
            "description": request.description,
            "event_types": rows.encode_types(types),
            "headers": await self._sealed_headers(merchant_id, n, headers),
            "max_in_flight": most,
            "per_second": rate,
            "ordered": int(request.ordered),
            "payments_headers": int(request.payments_headers),
        }
        sealed = await self._sealed(merchant_id, n, made)
        await self._tables.transact(lambda: rows.create(values, sealed))
        return pb.WebhookEndpointServiceCreateResponse(
            endpoint=await self._one(merchant_id, n), secret=secret_text(made[0])
        )

    async def get(self, request: pb.WebhookEndpointServiceGetRequest) -> pb.WebhookEndpointServiceGetResponse:
        """One endpoint. Raises NotFound."""
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        number = endpoint_number(request.endpoint_id)
        return pb.WebhookEndpointServiceGetResponse(endpoint=await self._one(merchant_id, number))

    async def list(self, request: pb.WebhookEndpointServiceListRequest) -> pb.WebhookEndpointServiceListResponse:
        """A page of them, newest first. Raises RequestRejected for a foreign page token."""
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        size = page_size(request.page_size)
        mark = fingerprint("endpoints", request)
        found = await self._tables.read(rows.page(merchant_id, position_of(request.page_token, mark), size + 1))
        shown, rest = found[:size], found[size:]
        return pb.WebhookEndpointServiceListResponse(
            endpoints=[await self._message(row) for row in shown],
            next_page_token=token_after(mark, (shown[-1][11], shown[-1][0])) if rest else "",
        )

    async def update(self, request: pb.WebhookEndpointServiceUpdateRequest) -> pb.WebhookEndpointServiceUpdateResponse:
        """Changes what is set. Raises NotFound, and RequestRejected as `create`."""
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        n = await self._number(merchant_id, request.endpoint_id)
        values = await self._changes(merchant_id, n, request)
        if values:
            await self._tables.transact(lambda: rows.change(merchant_id, n, values, names_of(values)))
        return pb.WebhookEndpointServiceUpdateResponse(endpoint=await self._one(merchant_id, n))

    async def delete(self, request: pb.WebhookEndpointServiceDeleteRequest) -> pb.WebhookEndpointServiceDeleteResponse:
        """Forgets one, its secrets at once. Raises NotFound."""
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        n = await self._number(merchant_id, request.endpoint_id)
        await self._tables.transact(lambda: rows.forget(merchant_id, n))
        return pb.WebhookEndpointServiceDeleteResponse()

    async def rotate_secret(
        self, request: pb.WebhookEndpointServiceRotateSecretRequest
    ) -> pb.WebhookEndpointServiceRotateSecretResponse:
        """Makes a new secret of each kind that it has. Raises NotFound, RequestRejected, SettingsRejected."""
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        overlap_s = request.overlap_s if request.HasField("overlap_s") else DEFAULT_OVERLAP_S
        if not 0 <= overlap_s <= MOST_OVERLAP_S:
            raise field_fault("overlap_s", f"from 0 to {MOST_OVERLAP_S}")
        n = await self._number(merchant_id, request.endpoint_id)
        kept = await open_secrets(self._tables, self._vault, merchant_id, n)
        made = [new_secret(kind) for kind in sorted({HMAC, *(secret.kind for secret, _ in kept)})]
        sealed = await self._sealed(merchant_id, n, made)
        await self._tables.transact(lambda: rows.rotate(merchant_id, n, sealed, overlap_s))
        return pb.WebhookEndpointServiceRotateSecretResponse(
            endpoint=await self._one(merchant_id, n), secret=secret_text(made[0])
        )

    async def ping(self, request: pb.WebhookEndpointServicePingRequest) -> pb.WebhookEndpointServicePingResponse:
        """Sends a test message now, to an endpoint that is switched off, too. Raises NotFound."""
        n = await self._number(request.merchant_id or DEFAULT_MERCHANT, request.endpoint_id)
        endpoint = await self._registry.load(n)
        if endpoint is None:
            raise rows.absent()
        now_s = self._clock()
        body = ping_body(endpoint_id(n), now_s)
        headers = headers_of(endpoint, f"msg_ping_{new_number():016x}", PING, body, now_s)
        began = time.monotonic()
        answer = await self._poster.post(n, endpoint.url, headers, body)
        judged = judge(answer, now_s)
        return pb.WebhookEndpointServicePingResponse(
            succeeded=judged.verdict is Verdict.DELIVERED,
            status_code=answer.status,
            response_body=answer.body.decode("utf-8", "replace"),
            duration_ms=int((time.monotonic() - began) * 1_000),
            error=judged.error,
        )

    async def recover(
        self, request: pb.WebhookEndpointServiceRecoverRequest
    ) -> pb.WebhookEndpointServiceRecoverResponse:
        """Puts in line again what the endpoint has not got since a time. Raises NotFound, RequestRejected."""
        merchant_id = request.merchant_id or DEFAULT_MERCHANT
        if not request.HasField("since"):
            raise field_fault("since", "say since when")
        try:
            since_us = request.since.ToMicroseconds()
        except ValueError:
            raise field_fault("since", "not a time between the years 1 and 9999") from None
        shown = await self._one(merchant_id, endpoint_number(request.endpoint_id))
        if shown.state != rows.ENABLED:
            raise RequestRejected(
                "the endpoint is switched off", reason="ENDPOINT_DISABLED", fix="switch it on first: enabled = true"
            )
        n = await self._number(merchant_id, request.endpoint_id)
        count = await recover(
            self._tables, merchant_id, n, list(shown.event_types), ordered=shown.ordered, since_us=since_us
        )
        return pb.WebhookEndpointServiceRecoverResponse(count=count)

    async def _changes(
        self, merchant_id: str, n: int, request: pb.WebhookEndpointServiceUpdateRequest
    ) -> dict[str, Any]:
        """Column → value of what is set."""
        values: dict[str, Any] = {}
        if request.HasField("url"):
            await self._check_url(request.url)
            values["url"] = request.url
        if request.HasField("description"):
            check_description(request.description)
            values["description"] = request.description
        if request.HasField("event_types"):
            values["event_types"] = rows.encode_types(checked_types(request.event_types.patterns))
        if request.HasField("headers"):
            headers = checked_headers(request.headers.values)
            values["headers"] = await self._sealed_headers(merchant_id, n, headers)
        if request.HasField("max_in_flight"):
            values["max_in_flight"] = checked_in_flight(request.max_in_flight)
        if request.HasField("per_second"):
            values["per_second"] = checked_per_second(request.per_second)
        for name in ("ordered", "payments_headers"):
            if request.HasField(name):
                values[name] = int(getattr(request, name))
        if request.HasField("enabled"):
            values["state"] = rows.ENABLED if request.enabled else rows.DISABLED
            values["state_reason"] = "" if request.enabled else "switched off by the merchant"
        return values

    async def _check_url(self, url: str) -> None:
        target = self._guard.check_url(url)
        await self._guard.resolve(target.host, target.port)

    async def _number(self, merchant_id: str, text: str) -> int:
        """Of an endpoint that is there and the merchant's own. Raises NotFound."""
        found = await self._tables.read(rows.one(merchant_id, endpoint_number(text)))
        if not found:
            raise rows.absent()
        return int(found[0][0])

    async def _one(self, merchant_id: str, n: int | None) -> WebhookEndpoint:
        found = await self._tables.read(rows.one(merchant_id, n))
        if not found:
            raise rows.absent()
        return await self._message(found[0])

    async def _message(self, row: Row) -> WebhookEndpoint:
        n, merchant_id = row[0], row[1]
        headers = await open_headers(self._vault, merchant_id, n, row[14])
        secrets = await open_secrets(self._tables, self._vault, merchant_id, n)
        return rows.message_of(row, headers, secrets, int(self._clock() * 1_000_000))

    async def _sealed_headers(self, merchant_id: str, n: int, headers: Mapping[str, str]) -> bytes | None:
        if not headers:
            return None
        return await self._vault.seal(SEALED_AS, merchant_id, headers_place(n), msgspec.json.encode(headers))

    async def _sealed(self, merchant_id: str, n: int, made: Sequence[Secret]) -> Sequence[rows.NewSecret]:
        sealed = []
        for secret in made:
            number = new_number()
            text = secret_text(secret).encode()
            place = secret_place(n, number)
            sealed.append((number, secret.kind, await self._vault.seal(SEALED_AS, merchant_id, place, text)))
        return sealed
