/**
 * One program on its way into an agent's cache: blocks become a draft, the draft a program.
 *
 * Several drivers may send the same program at once; they share one upload. A draft becomes
 * a program only when the SHA-256 of the whole is right.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { LucioleError, ProtocolError } from "../../../core/errors.ts";
import type { BlockUpload } from "../../../core/program_blocks/block_upload.ts";
import {
  BLOCK_BYTES,
  blockCount,
  HASH_BYTES,
  hashOfBlock,
  type ProgramBlock,
  type ProgramReply,
} from "../../../core/program_blocks/program_ref.ts";
import { hashFile, hashFileOnce } from "../../program/hashed_file.ts";
import type { ProgramName, ReservedRoom } from "./program_store.ts";

/** A file in which blocks may be found, and what its hashes are kept under. */
export interface BlockSource {
  readonly path: string;
  readonly name: string;
}

export class ProgramUpload {
  readonly blocks: BlockUpload;
  readonly #name: ProgramName;
  readonly #room: ReservedRoom;
  #file: FileHandle;
  #finishing: Promise<ProgramReply> | undefined;

  private constructor(name: ProgramName, blocks: BlockUpload, room: ReservedRoom, file: FileHandle) {
    this.#name = name;
    this.blocks = blocks;
    this.#room = room;
    this.#file = file;
  }

  static async begin(name: ProgramName, blocks: BlockUpload, room: ReservedRoom): Promise<ProgramUpload> {
    try {
      return new ProgramUpload(name, blocks, room, await open(room.draft, "wx+", 0o600));
    } catch (error) {
      // There is nothing to delete; why it could not be made is what counts.
      await room.free().catch(() => undefined);
      throw asFull(error);
    }
  }

  /** Copies the blocks that files on this machine have. */
  async copyFrom(sources: readonly BlockSource[], hashes: string): Promise<void> {
    for (const source of sources) {
      if (this.blocks.isComplete) return;
      // What cannot be read is sent instead.
      await this.#copy(source, hashes).catch(() => undefined);
    }
  }

  async put(blocks: readonly ProgramBlock[]): Promise<void> {
    for (const { block, bytes } of blocks) {
      this.blocks.check(block, bytes.byteLength, sha256(bytes));
      await this.#write(block, bytes);
    }
  }

  /** Makes it a program when all blocks are there; tells which are missing when not. */
  async commit(): Promise<ProgramReply> {
    if (!this.blocks.isComplete) return { isPresent: false, missing: this.blocks.missing };
    // Several drivers may ask for it at once.
    this.#finishing ??= this.#finish().finally(() => {
      this.#finishing = undefined;
    });
    return await this.#finishing;
  }

  /** Gives up what is not finished. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await this.#room.free();
  }

  async #finish(): Promise<ProgramReply> {
    // A file cannot be executed while somebody may write to it, such as a worker of another job that was forked from
    // this process a moment ago: it has let go of the file when the hash is known.
    await this.#file.close();
    const hashed = await hashFile(this.#room.draft);
    if (hashed.sha256 === this.#name.sha256 && hashed.sizeBytes === this.#name.sizeBytes) {
      await this.#room.keep(hashed);
      return { isPresent: true, missing: [] };
    }
    this.#file = await open(this.#room.draft, "r+");
    for (let block = 0; block < blockCount(this.#name.sizeBytes); block++) {
      if (hashOfBlock(hashed.blocks, block) !== this.blocks.hashOf(block)) this.blocks.drop(block);
    }
    if (!this.blocks.isComplete) return { isPresent: false, missing: this.blocks.missing };
    throw new ProtocolError(
      `Cannot take the program: its blocks make up ${hashed.sha256.slice(0, 12)}, not ${this.#name.sha256.slice(0, 12)}`,
    );
  }

  async #copy({ path, name }: BlockSource, hashes: string): Promise<void> {
    const { blocks } = await hashFileOnce(path, hashes, name);
    const places = new Map<string, number>();
    for (let i = 0; i < blocks.byteLength / HASH_BYTES; i++) places.set(hashOfBlock(blocks, i), i);
    await using file = await open(path);
    const buffer = Buffer.alloc(BLOCK_BYTES);
    for (const block of this.blocks.missing) {
      const hash = this.blocks.hashOf(block);
      const place = places.get(hash);
      if (place === undefined) continue;
      const { bytesRead } = await file.read(buffer, 0, BLOCK_BYTES, place * BLOCK_BYTES);
      const bytes = buffer.subarray(0, bytesRead);
      if (sha256(bytes) === hash) await this.#write(block, bytes);
    }
  }

  async #write(block: number, bytes: Uint8Array): Promise<void> {
    if (!this.blocks.isMissing(block)) return;
    let written = 0;
    try {
      while (written < bytes.byteLength) {
        const rest = bytes.byteLength - written;
        const { bytesWritten } = await this.#file.write(bytes, written, rest, block * BLOCK_BYTES + written);
        written += bytesWritten;
      }
    } catch (error) {
      throw asFull(error);
    }
    this.blocks.take(block);
  }
}

/** What a full disk fails with, told as such. */
function asFull(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new LucioleError("disk-full", "Cannot keep the program: the agent's disk is full", { cause: error });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
