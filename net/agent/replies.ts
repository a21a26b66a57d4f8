/**
 * Answers of the agent: CBOR values, CBOR sequences, and errors with their status.
 */
import { ProtocolError, toWireError } from "../../core/errors.ts";
import { encode } from "../cbor.ts";
import { CBOR, CBOR_SEQUENCE } from "../protocol.ts";

const STATUS: Readonly<Record<string, number>> = {
  protocol: 400,
  "not-serialisable": 400,
  "not-found": 404,
  "shard-lost": 404,
  "not-enough-resources": 409,
  "disk-full": 507,
};

const VALUE = { headers: { "content-type": CBOR } };
const SEQUENCE = { headers: { "content-type": CBOR_SEQUENCE } };

export function value(answer: unknown): Response {
  return new Response(encode(answer) as Uint8Array<ArrayBuffer>, VALUE);
}

/** An answer that was encoded before. */
export function bytes(encoded: Uint8Array): Response {
  return new Response(encoded as Uint8Array<ArrayBuffer>, VALUE);
}

export function sequence(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, SEQUENCE);
}

export function done(): Response {
  return new Response(null, { status: 204 });
}

/** An error as an answer. What is no LucioleError is the agent's own mistake, and its stack stays here. */
export function failure(error: unknown, status?: number): Response {
  const { stack: _, ...wire } = toWireError(error);
  const code = error instanceof ProtocolError ? 400 : (STATUS[wire.code] ?? 500);
  return new Response(encode(wire) as Uint8Array<ArrayBuffer>, { ...VALUE, status: status ?? code });
}
