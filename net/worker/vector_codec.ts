/**
 * Values between workers: typed arrays as the bytes of their elements, all others as CBOR.
 *
 * The form of a vector is the CBOR tag of its type (RFC 8746), with little-endian elements.
 */

import { isVector, type Vector } from "../../core/collectives/combine.ts";
import type { Encoded } from "../../core/collectives/letter.ts";
import { ProtocolError } from "../../core/errors.ts";
import { decode, encode } from "../cbor.ts";

type VectorType = (new (buffer: ArrayBuffer) => Vector) & { readonly BYTES_PER_ELEMENT: number };

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const TYPES: readonly (readonly [form: number, type: VectorType])[] = [
  [64, Uint8Array],
  [68, Uint8ClampedArray],
  [69, Uint16Array],
  [70, Uint32Array],
  [71, BigUint64Array],
  [72, Int8Array],
  [77, Int16Array],
  [78, Int32Array],
  [79, BigInt64Array],
  [85, Float32Array],
  [86, Float64Array],
];
const FORM_OF = new Map<unknown, number>(TYPES.map(([form, type]) => [type, form]));
const TYPE_OF = new Map(TYPES);

/** What the sender changes later is not meant. @param isLent It changes nothing before the value was received. */
export function encodeValue(value: unknown, isLent = false): Encoded {
  const form = IS_LITTLE_ENDIAN && isVector(value) ? FORM_OF.get(value.constructor) : undefined;
  if (form === undefined || !isVector(value)) return { payload: encode(value) };
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return { form, payload: isLent ? bytes : bytes.slice() };
}

/** A vector has a buffer of its own: that of the payload, if nothing else is in it. */
export function decodeValue({ form, payload }: Encoded): unknown {
  if (form === undefined) return decode(payload);
  const type = TYPE_OF.get(form);
  if (!IS_LITTLE_ENDIAN || type === undefined || payload.byteLength % type.BYTES_PER_ELEMENT !== 0) {
    throw new ProtocolError(`Cannot take ${payload.byteLength} bytes as a vector of form ${form}`);
  }
  const isAlone = payload.byteLength === payload.buffer.byteLength;
  return new type((isAlone ? payload : new Uint8Array(payload)).buffer as ArrayBuffer);
}
