/**
 * What an agent runs for a job: the program's name by content, and how it is cut into blocks.
 *
 * A program travels in blocks of 64 KiB, each known by its SHA-256, so that what the other side
 * has already stays where it is. Nothing here hashes, reads or sends.
 */

/** A whole executable: a user's compiled program, or luciole itself. */
export interface ExecutableRef {
  readonly kind: "executable";
  readonly sha256: string;
  readonly sizeBytes: number;
  /** "linux-x64": what it is made for. */
  readonly platform: string;
}

/** A script and all that it imports, as one file that luciole's executable loads. */
export interface BundleRef {
  readonly kind: "bundle";
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The engine that it needs; missing when it holds its own. */
  readonly version?: string;
  /** What runs it instead of the agent's own executable, which is of another version. */
  readonly executable?: ExecutableRef;
}

export type ProgramRef = ExecutableRef | BundleRef;

/** The answer to a program that is announced. */
export interface ProgramReply {
  /** The agent has all of it. */
  readonly isPresent: boolean;
  /** Blocks to be sent, when their hashes were announced. */
  readonly missing: readonly number[];
}

/** One block as it travels. */
export interface ProgramBlock {
  readonly block: number;
  readonly bytes: Uint8Array;
}

export const BLOCK_BYTES = 64 * 1024;
export const HASH_BYTES = 32;
/** No executable comes near it. */
export const MAX_PROGRAM_BYTES = 4 * 2 ** 30;
export const SHA256_PATTERN = /^[0-9a-f]{64}$/;

export function blockCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES);
}

/** All blocks are whole but the last. */
export function blockLength(sizeBytes: number, block: number): number {
  return Math.min(BLOCK_BYTES, sizeBytes - block * BLOCK_BYTES);
}

/** The hash of one block of many, which lie one after the other. */
export function hashOfBlock(hashes: Uint8Array, block: number): string {
  return hashes.subarray(block * HASH_BYTES, (block + 1) * HASH_BYTES).toHex();
}
