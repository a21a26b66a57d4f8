/**
 * Makes one module of a script and all that it imports, which runs elsewhere as it would here.
 *
 * Bun's own bundler does it, also inside of the executable; Deno's where the driver runs on Deno.
 */
import { LucioleError } from "../../core/errors.ts";

/**
 * @param hasEngine With the engine inside; else whoever loads the bundle has it.
 * @throws {LucioleError} code "program" when it cannot be one module
 */
export async function bundleProgram(entry: string, hasEngine: boolean): Promise<Uint8Array> {
  if ("Bun" in globalThis) return await (await import("./bundle_bun.ts")).bundleWithBun(entry, hasEngine);
  if (hasEngine) return await (await import("./bundle_deno.ts")).bundleWithDeno(entry);
  throw new LucioleError("internal", `Cannot bundle "${entry}": the engine is part of it on Deno`);
}
