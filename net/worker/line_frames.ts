/**
 * How letters travel on a line between two workers: heads as CBOR, payloads as they are.
 *
 * A frame is the lengths of both in four bytes each, then the head, then the payload. It knows neither sockets nor what
 * heads say.
 */
import { Buffer } from "node:buffer";
import { ProtocolError } from "../../core/errors.ts";
import { joinBytes } from "../../core/format/join_bytes.ts";
import { decode, encode } from "../cbor.ts";

export interface LineFrame {
  readonly head: unknown;
  readonly payload: Uint8Array;
}

const LENGTH_BYTES = 4;
const MAX_HEAD_BYTES = 16 * 1024;
/** A letter may have 64 MiB. */
const MAX_PAYLOAD_BYTES = 128 * 2 ** 20;
/** Up to here one write with a copy is cheaper than two. */
const SHORT_BYTES = 32 * 1024;
const NOTHING = new Uint8Array(0);

/** What is to be written for a frame, one after the other. */
export function frameParts(head: unknown, payload: Uint8Array): readonly Uint8Array[] {
  const encoded = encode(head);
  const isShort = payload.byteLength <= SHORT_BYTES;
  const begin = 2 * LENGTH_BYTES + encoded.byteLength;
  const first = Buffer.allocUnsafe(isShort ? begin + payload.byteLength : begin);
  first.writeUInt32BE(encoded.byteLength, 0);
  first.writeUInt32BE(payload.byteLength, LENGTH_BYTES);
  first.set(encoded, 2 * LENGTH_BYTES);
  if (!isShort) return [first, payload];
  first.set(payload, begin);
  return [first];
}

/** Puts frames together that come in pieces, cut anywhere. */
export class FrameReader {
  /** A beginning whose head is not all there. */
  #rest: Uint8Array = NOTHING;
  #open: (LineFrame & { filled: number }) | undefined;

  /** The frames that end in this piece. @throws {ProtocolError} When it is none of ours. */
  take(piece: Uint8Array): readonly LineFrame[] {
    const frames: LineFrame[] = [];
    let bytes = piece;
    if (this.#rest.byteLength > 0) {
      bytes = joinBytes([this.#rest, piece]);
      this.#rest = NOTHING;
    }
    for (;;) {
      if (this.#open === undefined) {
        const begun = begin(bytes);
        if (begun === undefined) {
          this.#rest = bytes.slice();
          return frames;
        }
        this.#open = { head: begun.head, payload: begun.payload, filled: 0 };
        bytes = bytes.subarray(begun.end);
      }
      const open = this.#open;
      const part = bytes.subarray(0, open.payload.byteLength - open.filled);
      open.payload.set(part, open.filled);
      open.filled += part.byteLength;
      if (open.filled < open.payload.byteLength) return frames;
      frames.push({ head: open.head, payload: open.payload });
      this.#open = undefined;
      bytes = bytes.subarray(part.byteLength);
    }
  }
}

/** What a frame begins with: the payload is still empty. Undefined when its head is not all there. */
function begin(bytes: Uint8Array): (LineFrame & { readonly end: number }) | undefined {
  if (bytes.byteLength < 2 * LENGTH_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headBytes = view.getUint32(0);
  const payloadBytes = view.getUint32(LENGTH_BYTES);
  if (headBytes > MAX_HEAD_BYTES || payloadBytes > MAX_PAYLOAD_BYTES) {
    throw new ProtocolError(
      `Cannot read a line: a frame of ${headBytes} and ${payloadBytes} bytes is too long`,
    );
  }
  const end = 2 * LENGTH_BYTES + headBytes;
  if (bytes.byteLength < end) return undefined;
  const head = decode(bytes.slice(2 * LENGTH_BYTES, end));
  // Not in Buffer's pool: a vector's elements are to have memory of their own. All of it is written before it is given out.
  const { buffer } = Buffer.allocUnsafeSlow(payloadBytes);
  return { head, payload: new Uint8Array(buffer), end };
}
