/**
 * Answers of agents and masters: CBOR values, CBOR sequences, and errors with their status.
 */
import { ProtocolError, toWireError } from "../core/errors.ts";
import { encode } from "./cbor.ts";
import { CBOR, CBOR_SEQUENCE, PROTOCOL, PROTOCOL_HEADER } from "./protocol.ts";

/** Says that it is luciole who answers: drivers tell a wrong address by it. */
const SPOKEN = { [PROTOCOL_HEADER]: String(PROTOCOL) };
const STATUS: Readonly<Record<string, number>> = {
  protocol: 400,
  "not-serialisable": 400,
  "not-found": 404,
  "shard-lost": 404,
  cancelled: 409,
  "name-taken": 409,
  "not-enough-resources": 409,
  "program-missing": 404,
  "program-version": 409,
  "program-platform": 409,
  "program-start": 409,
  busy: 429,
  "disk-full": 507,
};

const VALUE = { headers: { "content-type": CBOR, ...SPOKEN } };
const SEQUENCE = { headers: { "content-type": CBOR_SEQUENCE, ...SPOKEN } };

export function value(answer: unknown): Response {
  return new Response(encode(answer) as Uint8Array<ArrayBuffer>, VALUE);
}

export function sequence(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, SEQUENCE);
}

export function done(): Response {
  return new Response(null, { status: 204, headers: SPOKEN });
}

/** An error as an answer. What is no LucioleError is our own mistake, and its stack stays here. */
export function failure(error: unknown, status?: number, request?: string): Response {
  const { stack: _, ...wire } = toWireError(error);
  const told = request === undefined ? wire : { ...wire, fields: { ...wire.fields, request } };
  const init = { ...VALUE, status: status ?? statusOf(error, wire.code) };
  return new Response(encode(told) as Uint8Array<ArrayBuffer>, init);
}

function statusOf(error: unknown, code: string): number {
  return error instanceof ProtocolError ? 400 : (STATUS[code] ?? 500);
}
