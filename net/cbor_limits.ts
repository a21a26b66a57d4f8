/**
 * Looks over CBOR that strangers sent, before anything is made of it: without recursion or copies.
 *
 * Knows the form of items only. What is malformed in other ways the decoder finds.
 */

import { ProtocolError } from "../core/errors.ts";
import { ARRAY, BREAK, BYTES, INDEFINITE, MAP, TAG, TEXT } from "./cbor_heads.ts";

/** Somewhat deeper than the encoder goes: values travel inside of other ones. */
const MAX_DEPTH = 600;
/** A few bytes on the wire may be a hundred in memory. */
const MAX_ITEMS = 1 << 24;

/** @throws {ProtocolError} When items are nested too deeply, too many, or more than there are bytes for. */
export function checkLimits(bytes: Uint8Array): void {
  // Items that are still to come: on the level at hand, and on each one around it.
  let missing = 1;
  const outer: number[] = [];
  let position = 0;
  for (let items = 1; missing > 0 && position < bytes.length; items++) {
    if (items > MAX_ITEMS) throw refused(`it has more than ${MAX_ITEMS} items`);
    const first = bytes[position];
    const left = bytes.length - position - 1;
    const inner = first === BREAK ? 0 : innerItems(bytes, position);
    if (inner > left && inner !== Number.POSITIVE_INFINITY) {
      throw refused(`it tells of ${inner} items where ${left} bytes are left`);
    }
    missing = first === BREAK ? 0 : missing - 1;
    position += itemBytes(bytes, position);
    if (inner > 0) {
      outer.push(missing);
      if (outer.length > MAX_DEPTH) throw refused(`it is nested more than ${MAX_DEPTH} deep`);
      missing = inner;
    }
    while (missing === 0 && outer.length > 0) missing = outer.pop() ?? 0;
  }
}

/** How many items stand inside of the one at a position; infinitely many where a break ends them. */
function innerItems(bytes: Uint8Array, position: number): number {
  const major = bytes[position] >> 5;
  if (major === TAG) return 1;
  if (major !== ARRAY && major !== MAP) return 0;
  if ((bytes[position] & 31) === INDEFINITE) return Number.POSITIVE_INFINITY;
  return argument(bytes, position) * (major === MAP ? 2 : 1);
}

/** Bytes of the item's head, and of its own text or byte string. */
function itemBytes(bytes: Uint8Array, position: number): number {
  const major = bytes[position] >> 5;
  const info = bytes[position] & 31;
  const head = info < 24 || info === INDEFINITE ? 1 : 1 + (1 << (info - 24));
  const isString = (major === BYTES || major === TEXT) && info !== INDEFINITE;
  return isString ? head + argument(bytes, position) : head;
}

/** The number in the head; bytes that are missing count as 0, and are found out by the caller. */
function argument(bytes: Uint8Array, position: number): number {
  const info = bytes[position] & 31;
  if (info < 24) return info;
  let value = 0;
  const end = position + 1 + (1 << (info - 24));
  for (let at = position + 1; at < end; at++) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

function refused(why: string): ProtocolError {
  return new ProtocolError(`Cannot decode CBOR: ${why}`);
}
