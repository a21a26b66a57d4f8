/**
 * The one CBOR codec: plain CBOR (RFC 8949) that any other decoder can read.
 *
 * Owns what cbor-x alone gets wrong for us: -0, dates far away, and values that
 * only look like plain data. Knows nothing of batches, requests or files.
 */
import { addExtension, Encoder } from "cbor-x";
import type { ValueCodec } from "../core/batch/ports.ts";
import { LucioleError, ProtocolError } from "../core/errors.ts";
import { DatasetRef } from "../core/program/dataset_ref.ts";

/** Deeper than this is a cycle, or bytes made to overflow the stack. */
const MAX_DEPTH = 500;
const TAG_DATASET = 19573;
const TAG_FAR_DATE = 19574;
/** Up to here milliseconds survive being written as seconds in a double. */
const MAX_NEAR_DATE_MS = 2 ** 50;
/** Generic objects, value sharing, packed values, records, bundled strings: nobody sends these. */
const REFUSED_TAGS = [6, 14, 15, 27, 28, 29, 51, 105];

/** Stands for -0, which cbor-x would write as the integer 0. */
class NegativeZero {}
class FarDate {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

interface Extension {
  readonly Class?: new (...args: never[]) => object;
  readonly tag?: number;
  readonly encode?: (
    this: { alwaysUseFloat?: boolean },
    value: never,
    write: (item: unknown) => void,
  ) => void;
  readonly decode?: (item: unknown, ...rest: unknown[]) => unknown;
}

const NEGATIVE_ZERO = new NegativeZero();
const codec = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
});

registerExtensions();

/** Encodes any plain value. @throws {LucioleError} code "not-serialisable" naming type and path. */
export function encode(value: unknown): Uint8Array {
  const bytes = codec.encode(prepared(value, undefined, 0));
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Decodes exactly one value; byte strings and typed arrays may be views of `bytes`. @throws {ProtocolError} */
export function decode(bytes: Uint8Array): unknown {
  try {
    return codec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ProtocolError(`Cannot decode CBOR of ${bytes.byteLength} bytes: ${reason}`, { cause: error });
  }
}

export const valueCodec: ValueCodec = { encode, decode };

interface Path {
  readonly parent: Path | undefined;
  readonly name: string;
}

/** The value itself, or a copy in which what cbor-x would change is wrapped. */
function prepared(value: unknown, path: Path | undefined, depth: number): unknown {
  switch (typeof value) {
    case "number":
      return value === 0 && 1 / value < 0 ? NEGATIVE_ZERO : value;
    case "object":
      return value === null ? value : preparedObject(value, path, depth);
    case "function":
    case "symbol":
      throw refusal(`a ${typeof value}`, path);
    default:
      return value;
  }
}

function preparedObject(value: object, path: Path | undefined, depth: number): unknown {
  if (depth > MAX_DEPTH) throw refusal(`cyclic, or nested more than ${MAX_DEPTH} deep`, undefined);
  if (Array.isArray(value)) return preparedArray(value, path, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return preparedProperties(value as Record<string, unknown>, path, depth);
  }
  if (value instanceof Date) {
    return Math.abs(value.getTime()) > MAX_NEAR_DATE_MS ? new FarDate(value.getTime()) : value;
  }
  if (value instanceof Map) return preparedMap(value, path, depth);
  if (value instanceof Set) return preparedSet(value, path, depth);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return preparedView(value);
  if (value instanceof DatasetRef) return value;
  throw refusal(describe(value), path);
}

function preparedArray(value: unknown[], path: Path | undefined, depth: number): unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    // Strings are most of what there is; they need neither a path nor a call.
    if (typeof item === "string") continue;
    const next = simple(item) ? item : prepared(item, { parent: path, name: `[${i}]` }, depth + 1);
    if (next !== item) {
      copy ??= value.slice();
      copy[i] = next;
    }
  }
  return copy ?? value;
}

function preparedProperties(value: Record<string, unknown>, path: Path | undefined, depth: number): object {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (key === "__proto__")
      throw refusal("a property that cannot travel", { parent: path, name: ".__proto__" });
    if (simple(item)) continue;
    const next = prepared(item, { parent: path, name: `.${key}` }, depth + 1);
    if (next !== item) {
      copy ??= { ...value };
      copy[key] = next;
    }
  }
  return copy ?? value;
}

function preparedMap(
  value: Map<unknown, unknown>,
  path: Path | undefined,
  depth: number,
): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>();
  for (const [key, item] of value) {
    const place = { parent: path, name: `.get(${String(key)})` };
    copy.set(prepared(key, place, depth + 1), prepared(item, place, depth + 1));
  }
  return copy;
}

function preparedSet(value: Set<unknown>, path: Path | undefined, depth: number): Set<unknown> {
  const copy = new Set<unknown>();
  for (const item of value) copy.add(prepared(item, { parent: path, name: ".values()" }, depth + 1));
  return copy;
}

/** A Buffer is a Uint8Array to us, and must not become something else on another runtime. */
function preparedView(value: ArrayBufferView): ArrayBufferView {
  const isBuffer = value instanceof Uint8Array && value.constructor !== Uint8Array;
  return isBuffer ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : value;
}

function simple(value: unknown): boolean {
  const type = typeof value;
  return type === "string" || type === "boolean" || (type === "number" && value !== 0);
}

function describe(value: object): string {
  if (value instanceof Promise) return "a promise";
  const name: unknown = value.constructor?.name;
  return `an instance of ${typeof name === "string" && name !== "" ? name : "a class"}`;
}

function refusal(what: string, path: Path | undefined): LucioleError {
  let place = "";
  for (let at = path; at !== undefined; at = at.parent) place = at.name + place;
  return new LucioleError("not-serialisable", `Cannot encode a value: value${place} is ${what}`, {
    fields: { path: `value${place}`, type: what },
  });
}

function registerExtensions(): void {
  const add = addExtension as unknown as (extension: Extension) => void;
  add({
    Class: NegativeZero,
    encode(_value, write) {
      this.alwaysUseFloat = true;
      write(-0);
      this.alwaysUseFloat = false;
    },
  });
  add({
    Class: FarDate,
    tag: TAG_FAR_DATE,
    encode: (date: FarDate, write) => write(date.ms),
    decode: (ms) => new Date(typeof ms === "number" ? ms : Number.NaN),
  });
  add({
    Class: DatasetRef,
    tag: TAG_DATASET,
    encode: (ref: DatasetRef, write) => write([ref.id, ref.shards, ref.rows, ref.bytes]),
    decode: decodeDataset,
  });
  // cbor-x reads these in quadratic time, which a peer could use to stop us.
  add({ tag: 2, decode: (bytes) => readBigint(bytes) });
  add({ tag: 3, decode: (bytes) => -1n - readBigint(bytes) });
  for (const tag of REFUSED_TAGS) {
    add({
      tag,
      decode: () => {
        throw new ProtocolError(`Cannot decode CBOR: tag ${tag} is not allowed`);
      },
    });
  }
}

function readBigint(bytes: unknown): bigint {
  if (!(bytes instanceof Uint8Array)) throw new ProtocolError("Cannot decode CBOR: a bigint holds no bytes");
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex === "" ? 0n : BigInt(`0x${hex}`);
}

function decodeDataset(item: unknown): DatasetRef {
  if (Array.isArray(item)) {
    const [id, shards, rows, bytes] = item;
    const numbers = [shards, rows, bytes];
    if (typeof id === "string" && numbers.every((n) => typeof n === "number" && n >= 0)) {
      return new DatasetRef({ id, shards, rows, bytes });
    }
  }
  throw new ProtocolError("Cannot decode CBOR: a dataset reference is malformed");
}
