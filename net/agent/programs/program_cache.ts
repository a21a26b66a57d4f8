/**
 * The programs that an agent can run: its own executable, and those that drivers sent.
 *
 * Decides whether a program fits this machine and what command starts it. Files and bounds are
 * the store's, blocks the upload's.
 */
import { LucioleError, ProgramMissingError, ProtocolError } from "../../../core/errors.ts";
import { BlockUpload } from "../../../core/program_blocks/block_upload.ts";
import type {
  BundleRef,
  ExecutableRef,
  ProgramBlock,
  ProgramRef,
  ProgramReply,
} from "../../../core/program_blocks/program_ref.ts";
import { hashFileOnce } from "../../program/hashed_file.ts";
import { type LocalProgram, sendableExecutable, sendableFile } from "../../program/local_program.ts";
import type { OwnProgram } from "../../program/own_program.ts";
import { WORKER_ENV } from "../../protocol.ts";
import { checkExecutable } from "./executable_check.ts";
import { type HeldProgram, type ProgramName, ProgramStore } from "./program_store.ts";
import { ProgramUpload } from "./program_upload.ts";

export interface ProgramCacheOptions {
  /** The agent's id, for messages. */
  readonly agent: string;
  /** Of this cache alone; outlives the agent's process. */
  readonly directory: string;
  readonly maxBytes: number;
  readonly own: OwnProgram;
  /** An upload that nobody goes on with for so long is given up. */
  readonly idleMs?: number;
}

/** How a worker of a program is started. It stays in the cache until it is released. */
export interface OpenProgram {
  readonly command: readonly string[];
  /** What it needs beside the environment of every worker. */
  readonly environment: Readonly<Record<string, string>>;
  release(): void;
}

interface Upload {
  readonly opened: Promise<ProgramUpload>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const IDLE_MS = 60_000;
/** Each has an open file. */
const MAX_UPLOADS = 32;

export class ProgramCache {
  readonly #options: ProgramCacheOptions;
  readonly #store: ProgramStore;
  readonly #uploads = new Map<string, Upload>();
  /** Files that are on the way to be deleted. */
  readonly #going = new Set<Promise<void>>();

  private constructor(options: ProgramCacheOptions, store: ProgramStore) {
    this.#options = options;
    this.#store = store;
  }

  /** Takes over what an earlier process left in the directory. */
  static async create(options: ProgramCacheOptions): Promise<ProgramCache> {
    return new ProgramCache(options, await ProgramStore.open(options.directory, options.maxBytes));
  }

  /** Bytes that programs take on disk, those on their way included. */
  get sizeBytes(): number {
    return this.#store.sizeBytes;
  }

  /**
   * A driver wants a program to be here.
   *
   * @param hashes Those of its blocks; without them it is only told whether the program is here.
   * @throws {LucioleError} code "program-version" or "program-platform" when it cannot run here
   */
  async announce(ref: ProgramRef, hashes?: Uint8Array): Promise<ProgramReply> {
    this.#checkFits(ref);
    if (await this.#isPresent(ref)) return { isPresent: true, missing: [] };
    if (hashes === undefined) return { isPresent: false, missing: [] };
    const upload = await this.#upload(ref, hashes);
    return { isPresent: false, missing: upload.blocks.missing };
  }

  /** @throws {ProgramMissingError} When it was not announced, or is here by now. */
  async put(sha256: string, blocks: readonly ProgramBlock[]): Promise<void> {
    const upload = await this.#find(sha256);
    try {
      await upload.put(blocks);
    } catch (error) {
      // The room that it takes is of more use to others.
      if (error instanceof LucioleError && error.code === "disk-full") await this.#discard(sha256);
      throw error;
    }
  }

  /** All blocks were sent: it becomes a program, or it is told what is missing. */
  async commit(sha256: string): Promise<ProgramReply> {
    const upload = await this.#find(sha256);
    try {
      const reply = await upload.commit();
      if (reply.isPresent) this.#forget(sha256);
      return reply;
    } catch (error) {
      await this.#discard(sha256);
      throw error;
    }
  }

  /** @throws {ProgramMissingError} When it must be sent first. */
  async open(ref: ProgramRef): Promise<OpenProgram> {
    this.#checkFits(ref);
    if (ref.kind === "executable") return await this.#openExecutable(ref);
    const bundle = await this.#store.hold(ref);
    try {
      const runner = await this.#openRunner(ref);
      return {
        command: runner.command,
        environment: { ...runner.environment, [WORKER_ENV.program]: bundle.path },
        release: () => {
          bundle.release();
          runner.release();
        },
      };
    } catch (error) {
      bundle.release();
      throw error;
    }
  }

  /** A program that is here, for another agent. @throws {ProgramMissingError} */
  async sendable(ref: ProgramRef): Promise<LocalProgram & { release(): void }> {
    if (ref.kind === "executable") {
      const { path, release } = await this.#executableFile(ref);
      return { program: await sendableFile(path, ref, this.#store.hashes), release };
    }
    const { executable, ...bundle } = ref;
    const held = await this.#store.hold(bundle);
    try {
      const runner = await this.#executableFile(executable);
      const release = (): void => {
        held.release();
        runner.release();
      };
      const program = await sendableFile(held.path, bundle, this.#store.hashes);
      return { program, executable: () => sendableExecutable(runner.path, this.#store.hashes), release };
    } catch (error) {
      held.release();
      throw error;
    }
  }

  async #executableFile(ref: ExecutableRef | undefined): Promise<HeldProgram> {
    const { executable, command } = this.#options.own;
    const own = { path: executable ?? command[0] ?? "", release: () => undefined };
    return ref === undefined || (await this.#isOwn(ref)) ? own : await this.#store.hold(ref);
  }

  /** Gives up what is on its way. */
  async close(): Promise<void> {
    await Promise.all([...this.#uploads.keys()].map((sha256) => this.#discard(sha256)));
    await Promise.all(this.#going);
  }

  /** What runs a bundle: this agent's own executable unless the driver brought one. */
  async #openRunner(ref: BundleRef): Promise<OpenProgram> {
    if (ref.executable === undefined || this.#hasEngine(ref)) return await this.#openOwn();
    return await this.#openExecutable(ref.executable);
  }

  async #openExecutable(ref: ExecutableRef): Promise<OpenProgram> {
    const { own, agent } = this.#options;
    if (await this.#isOwn(ref)) return await this.#openOwn();
    const held: HeldProgram = await this.#store.hold(ref);
    try {
      await checkExecutable(held.path, `agent ${agent} (${own.platform})`);
      return { command: [held.path], environment: {}, release: held.release };
    } catch (error) {
      held.release();
      throw error;
    }
  }

  async #openOwn(): Promise<OpenProgram> {
    const { own, agent } = this.#options;
    if ((await own.isReplaced?.()) !== true) {
      return { command: own.command, environment: {}, release: () => undefined };
    }
    throw new LucioleError(
      "program-start",
      `Cannot start the program on agent ${agent}: its executable ${own.command[0]} was replaced; start the agent again`,
    );
  }

  #hasEngine({ version }: BundleRef): boolean {
    return version === undefined || version === this.#options.own.version;
  }

  #checkFits(ref: ProgramRef): void {
    const { agent, own } = this.#options;
    const fields = { agent, version: own.version, platform: own.platform };
    if (ref.kind === "bundle") {
      if (this.#hasEngine(ref)) return;
      if (ref.executable !== undefined) {
        this.#checkFits(ref.executable);
        return;
      }
      throw new LucioleError(
        "program-version",
        `Cannot run the program on agent ${agent}: it needs luciole ${ref.version}, and this is ${own.version}`,
        { fields },
      );
    }
    if (ref.platform === own.platform) return;
    throw new LucioleError(
      "program-platform",
      `Cannot run the program on agent ${agent}: it is made for ${ref.platform}, and this machine is ${own.platform}`,
      { fields },
    );
  }

  async #isPresent(ref: ProgramRef): Promise<boolean> {
    if (!this.#store.has(ref)) return ref.kind === "executable" && (await this.#isOwn(ref));
    return ref.kind !== "bundle" || this.#hasEngine(ref) || this.#hasExecutable(ref.executable);
  }

  async #hasExecutable(ref: ExecutableRef | undefined): Promise<boolean> {
    return ref !== undefined && (await this.#isPresent(ref));
  }

  /** Whether an executable is the very one that this agent runs. */
  async #isOwn({ sha256, sizeBytes }: ExecutableRef): Promise<boolean> {
    const { executable } = this.#options.own;
    if (executable === undefined || this.#store.has({ kind: "executable", sha256, sizeBytes })) return false;
    const hashed = await hashFileOnce(executable, this.#store.hashes, "own");
    return hashed.sha256 === sha256;
  }

  async #upload(name: ProgramName, hashes: Uint8Array): Promise<ProgramUpload> {
    const known = this.#uploads.get(name.sha256);
    if (known !== undefined) {
      this.#touch(name.sha256, known);
      const upload = await known.opened;
      if (upload.blocks.hasHashes(hashes)) return upload;
      throw new ProtocolError(`Cannot take program ${name.sha256}: another driver announced other blocks`);
    }
    if (this.#uploads.size >= MAX_UPLOADS) {
      throw new LucioleError("busy", `Cannot take the program: ${MAX_UPLOADS} others are on their way`, {
        retryable: true,
      });
    }
    const opened = this.#begin(name, hashes).catch((error) => {
      throw this.#located(error);
    });
    const upload: Upload = { opened, timer: undefined };
    this.#uploads.set(name.sha256, upload);
    this.#touch(name.sha256, upload);
    try {
      return await upload.opened;
    } catch (error) {
      this.#forget(name.sha256);
      throw error;
    }
  }

  async #begin(name: ProgramName, hashes: Uint8Array): Promise<ProgramUpload> {
    const blocks = new BlockUpload(name.sizeBytes, hashes);
    const upload = await ProgramUpload.begin(name, blocks, await this.#store.reserve(name));
    const { executable } = this.#options.own;
    if (name.kind === "bundle") return upload;
    const cached = this.#store.paths("executable").map((path) => ({ path, name: path }));
    const own = executable === undefined ? [] : [{ path: executable, name: "own" }];
    await upload.copyFrom([...own, ...cached], this.#store.hashes);
    return upload;
  }

  /** What the system says names neither the machine nor what it was for. */
  #located(cause: unknown): unknown {
    if (cause instanceof LucioleError) return cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot keep the program on agent ${this.#options.agent}: ${said}`;
    return new LucioleError("directory", message, { cause });
  }

  async #find(sha256: string): Promise<ProgramUpload> {
    const upload = this.#uploads.get(sha256);
    if (upload === undefined) {
      throw new ProgramMissingError(
        `Cannot take blocks of program ${sha256.slice(0, 12)}: it is not on its way to agent ${this.#options.agent}`,
        { fields: { sha256 } },
      );
    }
    this.#touch(sha256, upload);
    return await upload.opened;
  }

  #touch(sha256: string, upload: Upload): void {
    clearTimeout(upload.timer);
    upload.timer = setTimeout(() => void this.#discard(sha256), this.#options.idleMs ?? IDLE_MS);
    upload.timer.unref();
  }

  #forget(sha256: string): Upload | undefined {
    const upload = this.#uploads.get(sha256);
    clearTimeout(upload?.timer);
    this.#uploads.delete(sha256);
    return upload;
  }

  async #discard(sha256: string): Promise<void> {
    const upload = this.#forget(sha256);
    const gone = upload?.opened.then((opened) => opened.discard()).catch(() => undefined);
    if (gone === undefined) return;
    this.#going.add(gone);
    await gone;
    this.#going.delete(gone);
  }
}
