/**
 * The secret that all machines of a cluster share: it signs and verifies tokens.
 *
 * Does not show itself: neither printing it, nor JSON, nor an error that carries it tells what it is.
 */
import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import type { TokenSigner } from "../../core/security/token.ts";
import { valueCodec } from "../cbor.ts";

export const SECRET_BYTES = 32;

export class ClusterSecret implements TokenSigner {
  readonly codec = valueCodec;
  readonly #key: KeyObject;

  constructor(bytes: Uint8Array) {
    this.#key = createSecretKey(bytes);
  }

  sign(message: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update(message).digest();
  }

  toJSON(): string {
    return "[secret]";
  }
}

/** A new secret, as text for a file. */
export function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}
