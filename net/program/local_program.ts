/**
 * What a driver has its agents run: this very program, as something that can be sent.
 *
 * A user's own executable is sent as it is. A script is sent as one bundle, which luciole's
 * executable loads: the agent's own where it is of the same version, else the driver's. A driver
 * that is no executable (a script under Bun or Deno) sends the engine inside of the bundle.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import {
  BLOCK_BYTES,
  type BundleRef,
  blockLength,
  type ExecutableRef,
  type ProgramRef,
} from "../../core/program_blocks/program_ref.ts";
import { dataDirectory } from "../driver/directories.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import { bundleOnce } from "./bundle_cache.ts";
import { hashBytes, hashFileOnce } from "./hashed_file.ts";
import { host } from "./host.ts";
import { type OwnProgram, ownProgram, PLATFORM } from "./own_program.ts";

/** Something that can be sent by blocks. */
export interface SendableProgram<Ref extends ProgramRef = ProgramRef> {
  readonly ref: Ref;
  readonly hashes: Uint8Array;
  open(): Promise<BlockReader>;
}

export interface BlockReader {
  read(block: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface LocalProgram {
  readonly program: SendableProgram;
  /** This driver's own executable, for agents of another version; missing when it has none that can run bundles. */
  readonly executable?: () => Promise<SendableProgram<ExecutableRef>>;
}

let found: Promise<LocalProgram> | undefined;

/**
 * The program of this process. Found once: what the driver's process has loaded does not change.
 *
 * @throws {LucioleError} code "program" when it cannot be made something that runs elsewhere
 */
export function localProgram(): Promise<LocalProgram> {
  if (found === undefined) {
    found = find();
    // Whoever began early may ask for it late, and whoever asks again may have done something about it.
    found.catch(() => {
      found = undefined;
    });
  }
  return found;
}

async function find(): Promise<LocalProgram> {
  const own = await ownProgram();
  const { program: script, sent } = host;
  if (sent?.kind === "bundle" && script !== undefined) return await sentBundle(sent, script, own);
  if (own.executable !== undefined && script === undefined) return { program: await ownExecutable(own) };
  const entry = script ?? (await currentRuntime()).mainScript();
  const { bun = "", deno = "" } = process.versions;
  const maker = JSON.stringify([own.version, bun, deno, own.command, process.execArgv]);
  if (own.executable === undefined) {
    return { program: await bundled(entry, maker, {}) };
  }
  let executable: Promise<SendableProgram<ExecutableRef>> | undefined;
  return {
    program: await bundled(entry, maker, { version: own.version }),
    executable: () => {
      executable ??= ownExecutable(own);
      return executable;
    },
  };
}

async function bundled(
  entry: string,
  maker: string,
  needs: Pick<BundleRef, "version">,
): Promise<SendableProgram<BundleRef>> {
  const bytes = await bundleOnce(entry, {
    directory: join(dataDirectory(), "bundles"),
    maker,
    hasEngine: needs.version === undefined,
  });
  const { sha256, sizeBytes, blocks } = hashBytes(bytes);
  const read = async (block: number): Promise<Uint8Array> =>
    bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
  return {
    ref: { kind: "bundle", sha256, sizeBytes, ...needs },
    hashes: blocks,
    open: async () => ({ read, close: async () => undefined }),
  };
}

/** A bundle that was sent here goes on as it is. */
async function sentBundle(sent: BundleRef, path: string, own: OwnProgram): Promise<LocalProgram> {
  const { executable: _, ...ref } = sent;
  const program = await sendableFile(path, ref);
  return ref.version === undefined ? { program } : { program, executable: () => ownExecutable(own) };
}

/** A file that is known to be the program. */
export async function sendableFile<Ref extends ProgramRef>(
  path: string,
  ref: Ref,
  hashes = join(dataDirectory(), "hashes"),
): Promise<SendableProgram<Ref>> {
  const { sizeBytes, blocks } = await hashFileOnce(path, hashes);
  return { ref, hashes: blocks, open: async () => fileReader(await open(path), sizeBytes) };
}

async function ownExecutable({ executable }: OwnProgram): Promise<SendableProgram<ExecutableRef>> {
  if (executable === undefined)
    throw new LucioleError("internal", "Cannot send the executable: there is none");
  return await sendableExecutable(executable, join(dataDirectory(), "hashes"), process.execPath);
}

/** @param hashes Where hashes are kept. @param name What it is known by there. */
export async function sendableExecutable(
  path: string,
  hashes: string,
  name = path,
): Promise<SendableProgram<ExecutableRef>> {
  const { sha256, sizeBytes, blocks } = await hashFileOnce(path, hashes, name);
  return {
    ref: { kind: "executable", sha256, sizeBytes, platform: PLATFORM },
    hashes: blocks,
    open: async () => fileReader(await open(path), sizeBytes),
  };
}

function fileReader(file: FileHandle, sizeBytes: number): BlockReader {
  return {
    read: async (block) => {
      const bytes = new Uint8Array(blockLength(sizeBytes, block));
      let length = 0;
      while (length < bytes.length) {
        const at = block * BLOCK_BYTES + length;
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, at);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    },
    close: () => file.close(),
  };
}
