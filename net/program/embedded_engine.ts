/**
 * The engine's source inside of the executable: one module, put there by scripts/build.
 */

/** Undefined where there is none: in a checkout, in a user's own executable, and on Deno. */
export function embeddedEngine(): Blob | undefined {
  if (!("Bun" in globalThis)) return undefined;
  return Bun.embeddedFiles.find((file) => "name" in file && file.name === "engine.mjs");
}
