/**
 * Reads a CBOR sequence (RFC 8742) from a stream: items that may be cut anywhere.
 *
 * Finds where an item ends without decoding it; what the items mean is not known here.
 */

import { ProtocolError } from "../core/errors.ts";
import { joinBytes } from "../core/format/join_bytes.ts";
import { decode } from "./cbor.ts";
import { ARRAY, BREAK, BYTES, INDEFINITE, MAP, TAG, TEXT } from "./cbor_heads.ts";

const MAX_ITEM_BYTES = 256 * 1024 * 1024;

/** The items of a stream, in order. @throws {ProtocolError} When it ends within an item. */
export async function* readSequence(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  for await (const items of readSequenceParts(body)) yield* items;
}

/** The same, several at a time: those that came together. */
export async function* readSequenceParts(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly unknown[]> {
  // A long item comes in many pieces, which are joined when it may be whole.
  let pieces: Uint8Array[] = [];
  let length = 0;
  let needed = 0;
  for await (const piece of body) {
    pieces.push(piece);
    length += piece.byteLength;
    if (length < needed) continue;
    const held = pieces.length === 1 ? piece : joinBytes(pieces);
    let position = 0;
    const items: unknown[] = [];
    for (;;) {
      needed = neededBytes(held, position);
      if (needed > held.byteLength) break;
      // What is most of it is not copied: parts of it may be kept, and it with them.
      const isMost = (needed - position) * 2 > held.buffer.byteLength;
      items.push(decode(isMost ? held.subarray(position, needed) : held.slice(position, needed)));
      position = needed;
    }
    if (items.length > 0) yield items;
    const rest = held.subarray(position);
    pieces = rest.byteLength === 0 ? [] : [rest];
    length = rest.byteLength;
    needed -= position;
    if (needed > MAX_ITEM_BYTES) {
      throw new ProtocolError(`Cannot read a CBOR sequence: an item is longer than ${MAX_ITEM_BYTES} bytes`);
    }
  }
  if (length > 0) {
    throw new ProtocolError(`Cannot read a CBOR sequence: it ends ${length} bytes into an item`);
  }
}

/**
 * Where the item that begins at a position ends; undefined when it is not all there.
 *
 * @throws {ProtocolError} When no item can begin so.
 */
export function itemEnd(bytes: Uint8Array, start: number): number | undefined {
  const needed = neededBytes(bytes, start);
  return needed <= bytes.length ? needed : undefined;
}

/** Where it ends; beyond the bytes that there are, how many must be there at least before that can be told. */
function neededBytes(bytes: Uint8Array, start: number): number {
  let position = start;
  // Items that are still to come, counted over all levels; a level of indefinite length is kept apart.
  let missing = 1;
  const outer: number[] = [];
  while (missing > 0 || outer.length > 0) {
    if (position >= bytes.length) return position + 1;
    const first = bytes[position];
    if (first === BREAK) {
      if (missing !== Number.POSITIVE_INFINITY) throw malformed(position);
      missing = outer.pop() ?? 0;
      position++;
      if (missing === 0 && outer.length === 0) return position;
      continue;
    }
    const head = readHead(bytes, position);
    if (head === undefined) return bytes.length + 1;
    const { major, value } = head;
    missing--;
    position = head.end;
    if (value === undefined) {
      if (major < BYTES || major > MAP) throw malformed(position);
      outer.push(missing);
      missing = Number.POSITIVE_INFINITY;
    } else if (major === BYTES || major === TEXT) position += value;
    else if (major === ARRAY) missing += value;
    else if (major === MAP) missing += 2 * value;
    else if (major === TAG) missing++;
  }
  return position;
}

interface ItemHead {
  readonly major: number;
  /** Undefined for an indefinite length. */
  readonly value: number | undefined;
  readonly end: number;
}

function readHead(bytes: Uint8Array, position: number): ItemHead | undefined {
  const major = bytes[position] >> 5;
  const info = bytes[position] & 31;
  if (info < 24) return { major, value: info, end: position + 1 };
  if (info === INDEFINITE) return { major, value: undefined, end: position + 1 };
  if (info > 27) throw malformed(position);
  const length = 1 << (info - 24);
  if (position + 1 + length > bytes.length) return undefined;
  let value = 0;
  for (let i = 1; i <= length; i++) value = value * 256 + bytes[position + i];
  return { major, value, end: position + 1 + length };
}

function malformed(position: number): ProtocolError {
  return new ProtocolError(`Cannot read a CBOR sequence: byte ${position} begins no item`);
}
