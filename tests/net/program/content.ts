/** Bytes for programs that are sent: nothing that deflates, and no two blocks alike. */
import { createHash } from "node:crypto";

/** Bytes that are told apart by their seed. */
export function content(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0, i = 0; at < sizeBytes; at += 32, i++) {
    bytes.set(
      createHash("sha256")
        .update(`${seed} ${i}`)
        .digest()
        .subarray(0, sizeBytes - at),
      at,
    );
  }
  return bytes;
}
