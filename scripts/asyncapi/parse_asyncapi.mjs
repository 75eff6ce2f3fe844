// Reads an AsyncAPI document with the official parser. Prints what it found as one JSON object; exit status 1 if the
// document has an error. Usage: node parse_asyncapi.mjs FILE
import { readFileSync } from "node:fs";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const source = readFileSync(process.argv[2], "utf8");
const { document, diagnostics } = await new Parser().parse(source);
const found = diagnostics.map(({ severity, code, message, path }) => ({
  severity: DiagnosticSeverity?.[severity] ?? severity,
  code,
  message,
  path: path.join("/"),
}));
const channels = Object.fromEntries(
  (document?.channels().all() ?? []).map((channel) => [
    channel.id(),
    { address: channel.address(), messages: channel.messages().all().map((message) => message.id()) },
  ]),
);
console.log(JSON.stringify({ version: document?.version() ?? null, channels, diagnostics: found }));
process.exitCode = document === undefined || diagnostics.some(({ severity }) => severity === 0) ? 1 : 0;
