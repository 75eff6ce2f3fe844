// Lesson 5: no SDK of ours, only the protos. Run it: `orchestrator serve`, then `npm ci && node client.js [TARGET]`.
"use strict";

const crypto = require("node:crypto");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const SECRET = "whsec_lesson_secret";
const PROTOS = path.join(__dirname, "..", "..", "proto");

// `longs: String`: amounts are 64-bit integers, and a JavaScript number holds 53 bits of them.
const definition = protoLoader.loadSync("orchestratorx_prism/v1/event_service.proto", {
  includeDirs: [PROTOS],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});
const api = grpc.loadPackageDefinition(definition).orchestratorx_prism.v1;

// A body as Stripe sends it, signed as Stripe signs it: HMAC-SHA256 over time, a dot and the body.
function signedWebhook() {
  const seconds = Math.floor(Date.now() / 1000);
  const intent = {
    id: `pi_${seconds}`,
    object: "payment_intent",
    amount: 1099,
    amount_capturable: 0,
    amount_received: 1099,
    capture_method: "automatic",
    currency: "usd",
    latest_charge: `ch_${seconds}`,
    livemode: false,
    metadata: { merchant_transaction_id: "order-from-node" },
    status: "succeeded",
  };
  const body = Buffer.from(
    JSON.stringify({
      id: `evt_${seconds}`,
      object: "event",
      api_version: "2025-03-31.basil",
      created: seconds,
      data: { object: intent },
      livemode: false,
      type: "payment_intent.succeeded",
    }),
  );
  const signature = crypto.createHmac("sha256", SECRET).update(`${seconds}.`).update(body).digest("hex");
  return { body, headers: { "stripe-signature": `t=${seconds},v1=${signature}` } };
}

// What went wrong, as the server says it. google.rpc.ErrorInfo, with the constant reason, is in error.metadata.
function explain(error) {
  return `${grpc.status[error.code]}: ${error.details}`;
}

async function main(target) {
  const client = new api.EventService(target, grpc.credentials.createInsecure());
  const handle = (request) =>
    new Promise((resolve, reject) => {
      const deadline = new Date(Date.now() + 10_000);
      client.HandleEvent(request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });

  const { body, headers } = signedWebhook();
  const request = { connector: "stripe", payload: body, headers, webhook_secret: SECRET };
  const { events } = await handle(request);
  const [event] = events;
  // `data` names the member that is set: "payment".
  const data = event[event.data];
  console.log("handled:", event.type, data.merchant_transaction_id, data.amount.minor_units, data.amount.currency);

  const again = await handle(request);
  console.log("seen before:", again.duplicate_event_ids.includes(event.id));

  try {
    await handle({ ...request, payload: Buffer.concat([body, Buffer.from(" ")]) });
  } catch (error) {
    console.log("forged:", explain(error));
  }
  client.close();
}

main(process.argv[2] || "127.0.0.1:50051").catch((error) => {
  console.error(error.code === undefined ? error : explain(error));
  process.exitCode = 1;
});
