"""Lesson 2: a Flask application that takes webhooks. Run it: `python examples/02_flask_app.py`.

    orchestrator trigger stripe payment_intent.succeeded --to http://127.0.0.1:8000/webhooks/stripe

sends it one; STRIPE_WEBHOOK_SECRET is set to the same value for both. Needs the extra `flask`.
"""

from __future__ import annotations

import os
import sys

from flask import Flask

from orchestratorx_prism import PrismEvent
from orchestratorx_prism.frameworks.flask import webhook_blueprint
from orchestratorx_prism.sync import EventClient

paid: list[str] = []


def handle(event: PrismEvent) -> None:
    """Called with every event, once. The provider is acknowledged when this returns."""
    if event["type"] == "payment.captured":
        paid.append(event["data"]["merchant_transaction_id"])
        print("paid:", paid[-1], flush=True)


def make_app(secret: str) -> Flask:
    app = Flask(__name__)
    client = EventClient(connector="stripe")
    app.register_blueprint(webhook_blueprint(client, path="/webhooks/stripe", secret=secret, on_event=handle))
    return app


if __name__ == "__main__":
    if not os.environ.get("STRIPE_WEBHOOK_SECRET"):
        sys.exit("set STRIPE_WEBHOOK_SECRET: what Stripe, or `orchestrator trigger`, signs with")
    make_app(os.environ["STRIPE_WEBHOOK_SECRET"]).run(port=int(os.environ.get("PORT", "8000")))
