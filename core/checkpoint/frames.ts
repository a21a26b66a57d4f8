/**
 * Records as bytes that are appended to a log: each a CBOR array `[crc32, payload]` with heads of fixed size, so that
 * the log is a CBOR sequence and the end of what was written whole is found.
 *
 * What comes after a record that is cut short or damaged is not read: who wrote it cannot be trusted to have written
 * what is before.
 */

const HEAD_BYTES = 11;
const ARRAY_OF_TWO = 0x82;
const UINT32 = 0x1a;
const BYTES32 = 0x5a;

type Checksum = (bytes: Uint8Array) => number;

export function frame(payload: Uint8Array, checksum: Checksum): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + payload.byteLength);
  const view = new DataView(bytes.buffer);
  bytes[0] = ARRAY_OF_TWO;
  bytes[1] = UINT32;
  view.setUint32(2, checksum(payload));
  bytes[6] = BYTES32;
  view.setUint32(7, payload.byteLength);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

export interface Unframed {
  readonly payloads: readonly Uint8Array[];
  /** How many bytes they take; what is behind is no whole record. */
  readonly wholeBytes: number;
}

export function unframe(bytes: Uint8Array, checksum: Checksum): Unframed {
  const payloads: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (;;) {
    const payload = payloadAt(bytes, view, at);
    if (payload === undefined || checksum(payload) !== view.getUint32(at + 2)) break;
    payloads.push(payload);
    at += HEAD_BYTES + payload.byteLength;
  }
  return { payloads, wholeBytes: at };
}

function payloadAt(bytes: Uint8Array, view: DataView, at: number): Uint8Array | undefined {
  if (at + HEAD_BYTES > bytes.byteLength) return undefined;
  if (bytes[at] !== ARRAY_OF_TWO || bytes[at + 1] !== UINT32 || bytes[at + 6] !== BYTES32) return undefined;
  const end = at + HEAD_BYTES + view.getUint32(at + 7);
  return end > bytes.byteLength ? undefined : bytes.subarray(at + HEAD_BYTES, end);
}
