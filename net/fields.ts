/**
 * Reads what comes in requests: bounded, decoded, and checked field by field.
 *
 * Knows forms only (ids, texts, natural numbers, lists, maps); which fields a body has is
 * the business of who takes it.
 */
import { Buffer } from "node:buffer";
import { ProtocolError } from "../core/errors.ts";
import { joinBytes } from "../core/format/join_bytes.ts";
import { decode } from "./cbor.ts";
import { checkLimits } from "./cbor_limits.ts";
import { ID_PATTERN } from "./protocol.ts";

export type Fields = Readonly<Record<string, unknown>>;

const MAX_BODY_BYTES = 256 * 1024 * 1024;
/** They would move the cursor of whoever looks. */
const CONTROL = /\p{Cc}/gu;

/** The bytes of a body. @throws {ProtocolError} When it is too long. */
export async function readBytes(request: Request, maxBytes = MAX_BODY_BYTES): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLong(maxBytes);
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.byteLength > maxBytes) throw tooLong(maxBytes);
  return bytes;
}

/** Decodes a body that is one CBOR map. */
export async function readFields(request: Request, maxBytes = MAX_BODY_BYTES): Promise<Fields> {
  return fields(decodeBody(await readBytes(request, maxBytes)), "body");
}

/** Decodes one value that a stranger may have sent. @throws {ProtocolError} */
export function decodeBody(bytes: Uint8Array): unknown {
  checkLimits(bytes);
  return decode(bytes);
}

export function checkId(value: unknown, name: string): string {
  if (typeof value === "string" && ID_PATTERN.test(value)) return value;
  throw malformed(name, "an id", value);
}

/** A natural number in a path or query. */
export function checkNumber(text: string | undefined, name: string, least = 0): number {
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw malformed(name, `an integer of at least ${least}`, text);
}

export function fields(value: unknown, name: string): Fields {
  if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return value as Fields;
  }
  throw malformed(name, "a map", value);
}

export function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(name, "an array", value);
}

export function text(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw malformed(name, "a text", value);
}

/** A text for people only, at most so long: a longer one is no reason to refuse what it comes with. */
export function shownText(whole: string, most: number): string {
  // A slice would keep the whole in memory for as long as itself.
  const short = whole.length <= most ? whole : Buffer.from(whole.slice(0, most)).toString();
  return short.replace(CONTROL, "?");
}

export function natural(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(name, "a natural number", value);
}

export function ids(value: unknown, name: string): readonly string[] {
  return list(value, name).map((id) => checkId(id, name));
}

export function malformed(name: string, expected: string, value: unknown): ProtocolError {
  const isShown = typeof value === "number" || typeof value === "boolean";
  const seen =
    typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : isShown ? value : typeof value;
  return new ProtocolError(`Cannot take the request: ${name} must be ${expected}, and is ${seen}`);
}

/** The same of a body whose length was not told: it may never end. */
export async function readToEnd(
  body: ReadableStream<Uint8Array>,
  maxBytes = MAX_BODY_BYTES,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.byteLength;
    if (length > maxBytes) throw tooLong(maxBytes);
    pieces.push(piece);
  }
  return joinBytes(pieces);
}

function tooLong(maxBytes: number): ProtocolError {
  return new ProtocolError(`Cannot take the request: its body is longer than ${maxBytes} bytes`);
}
