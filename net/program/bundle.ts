/**
 * Makes one module of a script and all that it imports, which runs elsewhere as it would here.
 *
 * Bun's own bundler does it, also inside of the executable; Deno's where the driver runs on Deno.
 */
import { LucioleError } from "../../core/errors.ts";

export interface Bundle {
  readonly bytes: Uint8Array;
  /** The files that it was made of. */
  readonly inputs: readonly string[];
}

/**
 * @param hasEngine With the engine inside; else whoever loads the bundle has it.
 * @throws {LucioleError} code "program" when it cannot be one module
 */
export async function bundleProgram(entry: string, hasEngine: boolean): Promise<Bundle> {
  if ("Bun" in globalThis) {
    const { bundleWithBun } = await import("./bundle_bun.ts");
    return await bundleWithBun(entry, hasEngine);
  }
  if (hasEngine) {
    const { bundleWithDeno } = await import("./bundle_deno.ts");
    return await bundleWithDeno(entry);
  }
  throw new LucioleError("internal", `Cannot bundle "${entry}": the engine is part of it on Deno`);
}
