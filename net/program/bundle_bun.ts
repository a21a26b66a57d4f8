/**
 * Bundles a script by Bun's bundler.
 */
import { basename, extname, isAbsolute, resolve } from "node:path";
import { describeThrown, LucioleError } from "../../core/errors.ts";
import { describeBuildError } from "./build_messages.ts";
import { engineResolver } from "./engine_resolver.ts";
import { modulePlaces } from "./module_places.ts";
import { parseSourceMap, withSourceMap } from "./source_map.ts";

export async function bundleWithBun(
  entry: string,
  hasEngine: boolean,
): Promise<{ readonly bytes: Uint8Array; readonly inputs: readonly string[] }> {
  const { outputs, metafile } = await build(entry, hasEngine);
  const code = outputs.find(({ kind }) => kind === "entry-point");
  const map = outputs.find(({ kind }) => kind === "sourcemap");
  const other = outputs.find((output) => output !== code && output !== map);
  if (other !== undefined) throw refused(entry, otherFile(other.path));
  if (code === undefined || map === undefined) throw refused(entry, "the bundler made nothing of it");
  return {
    bytes: withSourceMap(await code.text(), parseSourceMap(await map.text(), map.path)),
    inputs: Object.keys(metafile?.inputs ?? {}).map((path) => (isAbsolute(path) ? path : resolve(path))),
  };
}

async function build(entry: string, hasEngine: boolean): Promise<Bun.BuildOutput> {
  try {
    return await Bun.build({
      entrypoints: [entry],
      target: "bun",
      format: "esm",
      sourcemap: "external",
      metafile: true,
      define: {
        "process.env.CBOR_NATIVE_ACCELERATION_DISABLED": '"true"',
        // Else it would be what it is when the bundle is made.
        "process.env.NODE_ENV": "globalThis.process.env.NODE_ENV",
      },
      env: "disable",
      // A package may say that a module does nothing by itself, and it may define flows all the same.
      ignoreDCEAnnotations: true,
      plugins: [
        modulePlaces(entry, hasEngine ? "main" : "imported"),
        ...(hasEngine ? [engineResolver()] : []),
      ],
      external: hasEngine ? [] : ["luciole"],
    });
  } catch (error) {
    throw refused(entry, describeBuildError(error) ?? describeThrown(error));
  }
}

/** What a module needs beside itself does not travel with it. */
function otherFile(path: string): string {
  const what = extname(path) === ".node" ? "the native addon" : "the file";
  return `${what} ${basename(path)} cannot be part of a bundle; luciole compile makes an executable that holds it`;
}

function refused(entry: string, reason: string): LucioleError {
  return new LucioleError("program", `Cannot send "${entry}" to agents: ${reason}`, {
    fields: { path: entry },
  });
}
