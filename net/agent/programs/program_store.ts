/**
 * The files of an agent's program cache: whole programs by their SHA-256, bounded by bytes.
 *
 * What was used longest ago goes first, and never what is in use. It takes finished files and
 * does not know how they came, nor what runs them.
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { LucioleError, ProgramMissingError } from "../../../core/errors.ts";
import { formatSize } from "../../../core/program/size.ts";
import { makeRoom } from "../../../core/program_blocks/cache_room.ts";
import type { ProgramRef } from "../../../core/program_blocks/program_ref.ts";
import { type HashedFile, hashFileOnce, keepHashes, stampOf } from "../../program/hashed_file.ts";

export type ProgramName = Pick<ProgramRef, "kind" | "sha256" | "sizeBytes">;

interface Entry {
  readonly path: string;
  readonly sizeBytes: number;
  usedAt: number;
  uses: number;
}

/** A program that stays where it is until it is released. */
export interface HeldProgram {
  readonly path: string;
  release(): void;
}

/** Room that is taken before its file is there. */
export interface ReservedRoom {
  /** Where to write it. */
  readonly draft: string;
  /** Puts the finished draft in its place. */
  keep(hashed: HashedFile): Promise<void>;
  /** Gives the room back and deletes the draft; fine after `keep`. */
  free(): Promise<void>;
}

const EXTENSIONS = { executable: "exe", bundle: "mjs" } as const;
const MODES = { executable: 0o500, bundle: 0o400 } as const;
const NAME = /^[0-9a-f]{64}\.(?:exe|mjs)$/;
const DRAFT = /^draft-[0-9a-f]{16}$/;

export class ProgramStore {
  readonly hashes: string;
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #reserved = new Map<string, number>();
  #lastUse = 0;

  private constructor(directory: string, maxBytes: number) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.hashes = join(directory, "hashes");
  }

  /** Takes over the programs that are there already, and deletes those that never became whole. */
  static async open(directory: string, maxBytes: number): Promise<ProgramStore> {
    const store = new ProgramStore(directory, maxBytes);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (NAME.test(name)) {
        const { size, mtimeMs } = await stat(path);
        store.#entries.set(name, { path, sizeBytes: size, usedAt: mtimeMs, uses: 0 });
        store.#lastUse = Math.max(store.#lastUse, mtimeMs);
      } else if (DRAFT.test(name)) await rm(path, { force: true });
    }
    await store.#makeRoom();
    return store;
  }

  /** What it holds and keeps room for. */
  get sizeBytes(): number {
    return this.#sizes().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  has(name: ProgramName): boolean {
    return this.#entries.get(keyOf(name))?.sizeBytes === name.sizeBytes;
  }

  /** Programs of a kind, in which blocks of another one may be found. */
  paths(kind: ProgramRef["kind"]): readonly string[] {
    return [...this.#entries].filter(([key]) => key.endsWith(EXTENSIONS[kind])).map(([, { path }]) => path);
  }

  /** @throws {ProgramMissingError} When it is not there, or not what it was any more. */
  async hold(name: ProgramName): Promise<HeldProgram> {
    const key = keyOf(name);
    const entry = this.#entries.get(key);
    if (entry === undefined) throw missing(name);
    entry.uses++;
    let isHeld = true;
    const release = (): void => {
      if (isHeld) entry.uses--;
      isHeld = false;
    };
    try {
      const { sha256 } = await hashFileOnce(entry.path, this.hashes);
      if (sha256 !== name.sha256) throw missing(name);
      this.#touch(entry);
      return { path: entry.path, release };
    } catch (error) {
      release();
      // It may have been put there anew meanwhile.
      if (entry.uses === 0 && this.#entries.get(key) === entry) {
        this.#entries.delete(key);
        await rm(entry.path, { force: true });
      }
      throw error instanceof ProgramMissingError ? error : missing(name);
    }
  }

  /** @throws {LucioleError} code "disk-full" when what is in use leaves no room. */
  async reserve(name: ProgramName): Promise<ReservedRoom> {
    const draft = join(this.#directory, `draft-${randomBytes(8).toString("hex")}`);
    this.#reserved.set(draft, name.sizeBytes);
    try {
      await this.#makeRoom();
    } catch (error) {
      this.#reserved.delete(draft);
      throw error;
    }
    return {
      draft,
      keep: (hashed) => this.#keep(name, draft, hashed),
      free: async () => {
        this.#reserved.delete(draft);
        await rm(draft, { force: true });
      },
    };
  }

  async #keep(name: ProgramName, draft: string, hashed: HashedFile): Promise<void> {
    const key = keyOf(name);
    const path = join(this.#directory, key);
    await chmod(draft, MODES[name.kind]);
    await rename(draft, path);
    this.#reserved.delete(draft);
    // One that is there already was found broken; whoever holds it gives back the same entry.
    const entry = this.#entries.get(key) ?? { path, sizeBytes: name.sizeBytes, usedAt: 0, uses: 0 };
    this.#entries.set(key, entry);
    this.#touch(entry);
    await keepHashes(this.hashes, path, await stampOf(path), hashed);
  }

  #touch(entry: Entry): void {
    this.#lastUse = Math.max(Date.now(), this.#lastUse + 1);
    entry.usedAt = this.#lastUse;
  }

  /** For what is reserved: within the bound, and within what the disk has. */
  async #makeRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory);
    let heldBytes = 0;
    for (const { sizeBytes } of this.#entries.values()) heldBytes += sizeBytes;
    const maxBytes = Math.min(this.#maxBytes, heldBytes + bavail * bsize);
    const { evicted, lackingBytes } = makeRoom(this.#sizes(), maxBytes);
    for (const key of evicted) {
      const entry = this.#entries.get(key);
      this.#entries.delete(key);
      if (entry !== undefined) await rm(entry.path, { force: true });
    }
    if (lackingBytes === 0) return;
    const what =
      maxBytes < this.#maxBytes ? "the disk" : `the program cache of ${formatSize(this.#maxBytes)}`;
    throw new LucioleError(
      "disk-full",
      `Cannot keep the program: ${what} lacks ${formatSize(lackingBytes)} beside the programs in use`,
      { fields: { maxBytes, lackingBytes } },
    );
  }

  #sizes() {
    const kept = [...this.#entries].map(([key, { sizeBytes, usedAt, uses }]) => ({
      key,
      sizeBytes,
      usedAt,
      isInUse: uses > 0,
    }));
    const coming = [...this.#reserved].map(([key, sizeBytes]) => ({
      key,
      sizeBytes,
      usedAt: 0,
      isInUse: true,
    }));
    return [...kept, ...coming];
  }
}

function keyOf({ kind, sha256 }: ProgramName): string {
  return `${sha256}.${EXTENSIONS[kind]}`;
}

function missing({ kind, sha256 }: ProgramName): ProgramMissingError {
  return new ProgramMissingError(`Cannot run ${kind} ${sha256.slice(0, 12)}: the agent does not have it`, {
    fields: { kind, sha256 },
  });
}
