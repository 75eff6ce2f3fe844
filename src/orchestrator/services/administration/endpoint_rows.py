"""Endpoints in the tables: what is written when one is made, changed or forgotten, and a row as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import and_, delete, func, insert, or_, select, update

from orchestrator.access import audit
from orchestrator.delivery.endpoint_ids import endpoint_id
from orchestrator.delivery.signing import ED25519, Secret, masked, public_key
from orchestrator.ledger.schema_delivery import endpoint_secrets, endpoint_states, endpoints
from orchestrator.ledger.tables import Row, Work, now_us
from orchestrator.services.administration.endpoint_checks import MOST_ENDPOINTS
from orchestratorx_prism.errors import NotFound, RequestRejected
from orchestratorx_prism.v1.webhook_endpoint_service_pb2 import WebhookEndpoint

ENABLED: Final = 1
DISABLED: Final = 2
DELETED: Final = 4
MOST_SECRETS: Final = 5
"""Of each kind, in use at once. More rotations than that within one overlap end the oldest sooner."""

_e, _s = endpoints.c, endpoint_states.c
COLUMNS: Final = (
    _e.n,
    _e.merchant_id,
    _e.url,
    _e.description,
    _e.event_types,
    _e.state,
    _e.state_reason,
    _e.max_in_flight,
    _e.per_second,
    _e.ordered,
    _e.payments_headers,
    _e.created_at,
    _e.updated_at,
    _s.failing_since,
    _e.headers,
)
NewSecret = tuple[int, int, bytes]
"""(number, kind, sealed)"""
_decode_types = msgspec.json.Decoder(list[str]).decode


def encode_types(patterns: Sequence[str]) -> str:
    """As they are kept."""
    return msgspec.json.encode(list(patterns)).decode()


def message_of(
    row: Row, headers: Mapping[str, str], secrets: Sequence[tuple[Secret, int | None]], now: int
) -> WebhookEndpoint:
    """A row of COLUMNS as the API shows it. `now`: microseconds."""
    using = [secret for secret, expires_at in secrets if expires_at is None or expires_at > now]
    asymmetric = next((secret for secret in using if secret.kind == ED25519), None)
    shown = WebhookEndpoint(
        endpoint_id=endpoint_id(row[0]),
        merchant_id=row[1],
        url=row[2],
        description=row[3],
        event_types=_decode_types(row[4]),
        state=row[5],
        state_reason=row[6],
        max_in_flight=row[7],
        per_second=row[8],
        ordered=bool(row[9]),
        payments_headers=bool(row[10]),
        masked_headers=dict.fromkeys(headers, "····"),
        masked_secrets=[masked(secret) for secret in using if secret.kind != ED25519],
        public_key=public_key(asymmetric) if asymmetric is not None else "",
    )
    shown.created_at.FromMicroseconds(row[11])
    shown.updated_at.FromMicroseconds(row[12])
    if row[13] is not None:
        shown.failing_since.FromMicroseconds(row[13])
    return shown


def one(merchant_id: str, n: int | None) -> Any:
    """The query of one endpoint of the merchant's."""
    joined = endpoints.join(endpoint_states, _s.endpoint == _e.n)
    return select(*COLUMNS).select_from(joined).where(_e.n == n, _e.merchant_id == merchant_id, _e.state != DELETED)


def page(merchant_id: str, after: tuple[int, int] | None, most: int) -> Any:
    """The query of some of the merchant's endpoints, newest first."""
    joined = endpoints.join(endpoint_states, _s.endpoint == _e.n)
    query = select(*COLUMNS).select_from(joined).where(_e.merchant_id == merchant_id, _e.state != DELETED)
    if after is not None:
        query = query.where(or_(_e.created_at < after[0], and_(_e.created_at == after[0], _e.n < after[1])))
    return query.order_by(_e.created_at.desc(), _e.n.desc()).limit(most)


def create(values: Mapping[str, Any], secrets: Sequence[NewSecret]) -> Work[None]:
    """Writes the endpoint.

    Raises:
        RequestRejected: The merchant has as many as there may be.
    """
    n, merchant_id = values["n"], values["merchant_id"]
    counted = select(_e.n).where(_e.merchant_id == merchant_id, _e.state != DELETED).limit(MOST_ENDPOINTS).subquery()
    [(count,)] = yield select(func.count()).select_from(counted)
    if count >= MOST_ENDPOINTS:
        raise RequestRejected(
            f"a merchant has at most {MOST_ENDPOINTS} endpoints", reason="TOO_MANY_ENDPOINTS", fix="delete some"
        )
    yield insert(endpoints).values(
        **values, state=ENABLED, state_reason="", version=1, created_at=now_us(), updated_at=now_us()
    )
    yield insert(endpoint_states).values(endpoint=n, paced_until=0, slowed_until=0, strikes=0)
    yield from _add_secrets(n, merchant_id, secrets)
    yield from audit.append("endpoint.created", endpoint_id(n), merchant_id)


def change(merchant_id: str, n: int, values: Mapping[str, Any], details: Mapping[str, str]) -> Work[None]:
    """Writes new values. Switching it on forgives its failures.

    Raises:
        NotFound: There is no such endpoint.
    """
    yield from _touch(merchant_id, n, values)
    if values.get("state") == ENABLED:
        yield update(endpoint_states).where(_s.endpoint == n).values(slowed_until=0, strikes=0, failing_since=None)
    yield from audit.append("endpoint.updated", endpoint_id(n), merchant_id, details)


def forget(merchant_id: str, n: int) -> Work[None]:
    """Forgets everything of it that somebody could want to know; its row goes once nothing is owed to it.

    Raises:
        NotFound: There is no such endpoint.
    """
    gone = {"state": DELETED, "url": "", "description": "", "headers": None}
    yield from _touch(merchant_id, n, gone)
    yield delete(endpoint_secrets).where(endpoint_secrets.c.endpoint == n)
    yield from audit.append("endpoint.deleted", endpoint_id(n), merchant_id)


def rotate(merchant_id: str, n: int, secrets: Sequence[NewSecret], overlap_s: int) -> Work[None]:
    """Makes these the current secrets; the others are good until the overlap ends.

    Raises:
        NotFound: There is no such endpoint.
    """
    yield from _touch(merchant_id, n, {})
    c = endpoint_secrets.c
    kinds = sorted({kind for _, kind, _ in secrets})
    current = update(endpoint_secrets).where(c.endpoint == n, c.kind.in_(kinds), c.expires_at.is_(None))
    yield current.values(expires_at=now_us() + overlap_s * 1_000_000)
    yield delete(endpoint_secrets).where(c.endpoint == n, c.expires_at <= now_us())
    for kind in kinds:
        keep = select(c.n).where(c.endpoint == n, c.kind == kind).order_by(c.created_at.desc(), c.n)
        yield delete(endpoint_secrets).where(
            c.endpoint == n, c.kind == kind, c.n.not_in(keep.limit(MOST_SECRETS - 1).scalar_subquery())
        )
    yield from _add_secrets(n, merchant_id, secrets)
    yield from audit.append("endpoint.secret_rotated", endpoint_id(n), merchant_id, {"overlap_s": str(overlap_s)})


def _touch(merchant_id: str, n: int, values: Mapping[str, Any]) -> Work[None]:
    mine = (_e.n == n, _e.merchant_id == merchant_id, _e.state != DELETED)
    changed = {**values, "version": _e.version + 1, "updated_at": now_us()}
    if not (yield update(endpoints).where(*mine).values(**changed).returning(_e.n)):
        raise absent()


def _add_secrets(n: int, merchant_id: str, secrets: Sequence[NewSecret]) -> Work[None]:
    for number, kind, sealed in secrets:
        yield insert(endpoint_secrets).values(
            endpoint=n, n=number, merchant_id=merchant_id, kind=kind, sealed=sealed, created_at=now_us()
        )


def absent() -> NotFound:
    """The refusal of an endpoint that is not there, or not this merchant's."""
    return NotFound("there is no such endpoint", reason="ENDPOINT_NOT_FOUND", metadata={"field": "endpoint_id"})
