/**
 * What both ends of messages between driver and workers have in common: encoding, bounds, waiting for room.
 */
import { LucioleError } from "../core/errors.ts";
import { encode } from "./cbor.ts";

/** Of letters in one frame; more travel in the next one. */
export const FRAME_BYTES = 1024 * 1024;
/** Messages that wait for so long, while nobody listens, are told as unheard. */
export const UNHEARD_MS = 5_000;

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * A message as it travels: what the sender changes later is not meant.
 *
 * @throws {LucioleError} code "not-serialisable".
 * @throws {RangeError} When it is too long.
 */
export function encodeMessage(message: unknown): Uint8Array {
  const body = encode(message);
  if (body.byteLength <= MAX_MESSAGE_BYTES) return body;
  throw new RangeError(
    `Cannot send a message of ${body.byteLength} bytes: at most ${MAX_MESSAGE_BYTES} are allowed; use a dataset`,
  );
}

export function refused(to: string, why: string): LucioleError {
  return new LucioleError("messages-refused", `Cannot send to ${to}: ${why}`);
}
