"""A partner of the simulated Daraja, in one process with it: knows its credentials, and owns its clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import msgspec

from connectors.mpesa.account import stk_password
from connectors.mpesa.simulator_api import DarajaSimulator, make_simulator
from connectors.mpesa.values import EAT
from connectors.spi import SampleWebhook
from connectors.spi.simulating import SimulatorOptions

START_S = 1_800_000_000.0
STAMP = "20270115110000"
DAY_S = 86_400
PUSH = "/mpesa/stkpush/v1/processrequest"
QUERY = "/mpesa/stkpushquery/v1/query"
B2C = "/mpesa/b2c/v3/paymentrequest"
REVERSAL = "/mpesa/reversal/v1/request"
STATUS = "/mpesa/transactionstatus/v1/query"
REGISTER = "/pulltransactions/v1/register"
PULL = "/pulltransactions/v1/query"
CALLBACK = "https://pay.shop.example/webhooks/daraja/default/a-token-of-the-callbacks"


class Daraja:
    """The simulator with a clock, and a partner who knows its credentials."""

    def __init__(self, **options: Any) -> None:
        self.now_s = START_S
        self.received: list[SampleWebhook] = []
        self.simulator: DarajaSimulator = make_simulator(
            SimulatorOptions(**{"deliver": self.receive, "now_s": lambda: self.now_s, **options})
        )
        self.config = self.simulator.config("http://127.0.0.1:1")
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.simulator),  # type: ignore[arg-type]
            base_url="http://daraja",
        )
        self.token = ""

    async def receive(self, webhook: SampleWebhook) -> None:
        self.received.append(webhook)

    async def later(self, seconds: float = 60) -> int:
        self.now_s += seconds
        return await self.simulator.advance()

    async def log_in(self) -> str:
        auth = (self.config["MPESA_CONSUMER_KEY"], self.config["MPESA_CONSUMER_SECRET"])
        reply = await self.http.get("/oauth/v1/generate", params={"grant_type": "client_credentials"}, auth=auth)
        said = reply.json()
        assert said["expires_in"] == "3599"
        self.token = said["access_token"]
        return self.token

    async def post(self, path: str, body: dict[str, Any], method: str = "POST") -> tuple[int, dict[str, Any]]:
        if not self.token:
            await self.log_in()
        headers = {"authorization": f"Bearer {self.token}"}
        reply = await self.http.request(method, path, json=body, headers=headers)
        return reply.status_code, reply.json()

    def push(self, **changes: Any) -> dict[str, Any]:
        password = stk_password("600000", self.config["MPESA_PASSKEY"], STAMP)
        body = {
            "BusinessShortCode": "600000",
            "Password": password,
            "Timestamp": STAMP,
            "TransactionType": "CustomerPayBillOnline",
            "Amount": 150,
            "PartyA": "254708374149",
            "PartyB": "600000",
            "PhoneNumber": "254708374149",
            "CallBackURL": CALLBACK,
            "AccountReference": "order-7",
            "TransactionDesc": "Shoes",
        }
        return {**body, **changes}

    def question(self, checkout: str) -> dict[str, Any]:
        push = self.push()
        return {name: push[name] for name in ("BusinessShortCode", "Password", "Timestamp")} | {
            "CheckoutRequestID": checkout
        }

    def payout(self, **changes: Any) -> dict[str, Any]:
        body = {
            "OriginatorConversationID": "our-key-1",
            "InitiatorName": self.config["MPESA_INITIATOR_NAME"],
            "SecurityCredential": self.config["MPESA_SECURITY_CREDENTIAL"],
            "CommandID": "BusinessPayment",
            "Amount": "70",
            "PartyA": "600000",
            "PartyB": 254708374149,
            "Remarks": "Salary",
            "QueueTimeOutURL": f"{CALLBACK}/b2c.timeout",
            "ResultURL": f"{CALLBACK}/b2c",
            "Occassion": "",
        }
        return {**body, **changes}

    def reversal(self, receipt: str, amount: int = 150) -> dict[str, Any]:
        return {
            "Initiator": self.config["MPESA_INITIATOR_NAME"],
            "SecurityCredential": self.config["MPESA_SECURITY_CREDENTIAL"],
            "CommandID": "TransactionReversal",
            "TransactionID": receipt,
            "Amount": amount,
            "ReceiverParty": "600000",
            "RecieverIdentifierType": "11",
            "ResultURL": f"{CALLBACK}/reversal",
            "QueueTimeOutURL": f"{CALLBACK}/reversal.timeout",
            "Remarks": "Refund",
        }

    def status(self, **about: str) -> dict[str, Any]:
        return self.reversal("") | {"CommandID": "TransactionStatusQuery", "ResultURL": f"{CALLBACK}/status"} | about

    def window(self, start_s: float, end_s: float, offset: int = 0) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(at_s, EAT).strftime("%Y-%m-%d %H:%M:%S") for at_s in (start_s, end_s))
        return {"ShortCode": "600000", "StartDate": start, "EndDate": end, "OffSetValue": str(offset)}

    async def register(self) -> dict[str, Any]:
        body = {"ShortCode": "600000", "RequestType": "Pull", "NominatedNumber": "254708374149"}
        return (await self.post(REGISTER, body | {"CallBackURL": CALLBACK}))[1]

    def results(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(webhook.body) for webhook in self.received]
