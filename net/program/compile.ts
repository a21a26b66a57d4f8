/**
 * Makes one executable of a user's program, the engine and the runtime.
 *
 * The executable's own runtime bundles and writes it, so nothing else need be installed.
 * The engine comes from the source that scripts/build embeds or, in a checkout, from mod.ts.
 */
import { mkdtemp, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { describeThrown, LucioleError } from "../../core/errors.ts";
import { describeBuildError } from "./build_messages.ts";
import { engineResolver } from "./engine_resolver.ts";
import { findProgram } from "./load.ts";
import { modulePlaces } from "./module_places.ts";
import { isCompiledProgram, programBanner } from "./program_banner.ts";

const EXTENSIONS: readonly string[] = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".jsx"];

export interface CompiledProgram {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Compiles a program; the output appears whole or not at all.
 *
 * @throws {LucioleError} code "input-missing" when there is no such program, "usage" when it is none,
 * "output-exists" when something else than an earlier one is there, "compile" when it cannot be bundled
 */
export async function compileProgram(program: string, output: string): Promise<CompiledProgram> {
  const entry = await findProgram(program, "compile");
  // The bundler takes other files for data, of which it makes a program that does nothing.
  if (!EXTENSIONS.includes(extname(entry))) {
    throw new LucioleError(
      "usage",
      `Cannot compile "${program}": its name must end with one of ${EXTENSIONS.join(" ")}`,
    );
  }
  const path = resolve(output);
  await checkOutput(path, entry, output);
  const directory = await mkdtemp(join(dirname(path), ".luciole-")).catch((error: Error) => {
    throw new LucioleError("output", `Cannot write "${output}": ${error.message}`);
  });
  try {
    const built = join(directory, basename(path));
    await build(entry, built, program);
    await rename(built, path);
    return { path, sizeBytes: (await stat(path)).size };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function checkOutput(path: string, entry: string, output: string): Promise<void> {
  if (path === entry) {
    throw new LucioleError(
      "usage",
      `Cannot write "${output}": it is the program itself; choose another with --out`,
    );
  }
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory() === true) {
    throw new LucioleError("usage", `Cannot write "${output}": it is a directory; choose a file with --out`);
  }
  if (existing === undefined || (existing.isFile() && existing.size === 0)) return;
  if (!existing.isFile() || !(await isCompiledProgram(path))) {
    throw new LucioleError(
      "output-exists",
      `Cannot write "${output}": it exists and was not made by luciole compile; delete it or choose another with --out`,
    );
  }
}

async function build(entry: string, outfile: string, program: string): Promise<void> {
  try {
    await Bun.build({
      entrypoints: [entry],
      format: "esm",
      // Names stay: errors and call sites show them.
      minify: { whitespace: true, syntax: true, identifiers: false },
      // Bytecode would save 15 ms at each start, and make five times as much to be sent to agents.
      bytecode: false,
      sourcemap: "inline",
      banner: programBanner(basename(program)),
      compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
      define: {
        "process.env.CBOR_NATIVE_ACCELERATION_DISABLED": '"true"',
        // Else it would be what it is now.
        "process.env.NODE_ENV": "globalThis.process.env.NODE_ENV",
      },
      plugins: [modulePlaces(entry, undefined), engineResolver()],
    });
  } catch (error) {
    // The parts say it all: the error around them only that there are some.
    const reason = describeBuildError(error) ?? describeThrown(error);
    throw new LucioleError("compile", `Cannot compile "${program}": ${reason}`);
  }
}
