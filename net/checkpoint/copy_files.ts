/**
 * Copies of shards in the directory of a checkpoint, each a file of batches as they travel.
 *
 * The name of a file says what is in it: `<execution>/<group>-<shard>-<rows>-<batches>-<bytes>.batches`. It gets
 * that name when it is whole, so nothing else need be kept of it; what is damaged later is found by its checksums.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { decodeItem, encodeBatch, itemLength } from "../../core/batch/codec.ts";
import type { Batch } from "../../core/batch/column.ts";
import { describeThrown, LucioleError } from "../../core/errors.ts";
import { codecPorts } from "../codec_ports.ts";
import { orDiskFull, readAt, systemCode } from "../store/disk.ts";

const NAME = /^(\d+)-(\d+)-(\d+)-(\d+)-(\d+)\.batches$/;
const DRAFT = ".new";
/** What tells the length of a batch. */
const HEAD_BYTES = 16;

export interface ShardCopy {
  readonly path: string;
  readonly group: number;
  readonly shard: number;
  readonly rows: number;
  readonly batches: number;
  readonly bytes: number;
}

/** Copies of one execution: by group, then by shard. */
export type Copies = ReadonlyMap<number, ReadonlyMap<number, ShardCopy>>;

const NO_COPIES: Copies = new Map();

export class CopyFiles {
  readonly #directory: string;
  readonly #syncPath: (path: string) => Promise<void>;
  /** Files and directories that the machine may lose yet. */
  #unsynced = new Set<string>();
  /** Does not fail. */
  #syncing: Promise<void> = Promise.resolve();
  /** By execution: nobody else changes the directory, and it is asked for after every execution. */
  readonly #copies = new Map<number, Map<number, Map<number, ShardCopy>>>();
  #drafts = 0;

  /** @param syncPath For tests. */
  constructor(directory: string, syncPath = syncAny) {
    this.#directory = directory;
    this.#syncPath = syncPath;
    if (mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined)
      this.#unsynced.add(dirname(directory));
    for (const execution of readdirSync(directory).map(Number).filter(Number.isInteger)) {
      this.#copies.set(execution, new Map());
      for (const name of readdirSync(this.#of(execution))) this.#find(execution, name);
    }
  }

  /** Numbers of executions of which there are copies. */
  executions(): readonly number[] {
    return [...this.#copies.keys()];
  }

  list(execution: number): Copies {
    return this.#copies.get(execution) ?? NO_COPIES;
  }

  /** @param isDurable Waits until it survives the machine. */
  async write(
    place: { readonly execution: number; readonly group: number; readonly shard: number },
    batches: AsyncIterable<Batch>,
    isDurable: boolean,
  ): Promise<ShardCopy> {
    const { execution, group, shard } = place;
    const directory = this.#of(execution);
    // Not what is above it: when somebody has deleted the checkpoint, nothing of it comes back.
    if (!existsSync(directory)) {
      mkdirSync(directory, { mode: 0o700 });
      this.#unsynced.add(this.#directory);
    }
    const draft = join(directory, `${group}-${shard}-${this.#drafts++}${DRAFT}`);
    const file = await open(draft, "w", 0o600);
    const found = { rows: 0, batches: 0, bytes: 0 };
    try {
      for await (const batch of batches) {
        const item = encodeBatch(batch, codecPorts);
        await writeWhole(draft, item, async (from) => (await file.write(item, from)).bytesWritten);
        found.rows += batch.rows;
        found.batches += 1;
        found.bytes += item.byteLength;
      }
      if (isDurable) await file.datasync();
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    const path = join(directory, `${group}-${shard}-${found.rows}-${found.batches}-${found.bytes}.batches`);
    renameSync(draft, path);
    this.#unsynced.add(directory);
    if (isDurable) await this.sync();
    else this.#unsynced.add(path);
    const copy = { path, group, shard, ...found };
    this.#add(execution, copy);
    return copy;
  }

  /** Resolves when all that was written survives the machine. */
  sync(): Promise<void> {
    const synced = this.#syncing.then(async () => {
      const paths = [...this.#unsynced];
      this.#unsynced = new Set();
      try {
        await Promise.all(paths.map((path) => this.#syncPath(path)));
      } catch (error) {
        for (const path of paths) this.#unsynced.add(path);
        throw error;
      }
    });
    this.#syncing = synced.catch(() => undefined);
    return synced;
  }

  /** Deletes the copies of an execution, or of one group of it. */
  drop(execution: number, group?: number): void {
    if (group === undefined) {
      this.#copies.delete(execution);
      rmSync(this.#of(execution), { recursive: true, force: true });
      return;
    }
    const groups = this.#copies.get(execution);
    for (const { path } of groups?.get(group)?.values() ?? []) rmSync(path, { force: true });
    groups?.delete(group);
  }

  /** A file of an earlier driver. */
  #find(execution: number, name: string): void {
    const path = join(this.#of(execution), name);
    const match = NAME.exec(name);
    if (match === null) {
      if (name.endsWith(DRAFT)) rmSync(path, { force: true });
      return;
    }
    const [group = 0, shard = 0, rows = 0, batches = 0, bytes = 0] = match.slice(1).map(Number);
    this.#add(execution, { path, group, shard, rows, batches, bytes });
  }

  #add(execution: number, copy: ShardCopy): void {
    const groups = this.#copies.get(execution) ?? new Map<number, Map<number, ShardCopy>>();
    const shards = groups.get(copy.group) ?? new Map<number, ShardCopy>();
    const before = shards.get(copy.shard);
    if (before !== undefined && before.path !== copy.path) rmSync(before.path, { force: true });
    this.#copies.set(execution, groups.set(copy.group, shards.set(copy.shard, copy)));
  }

  #of(execution: number): string {
    return join(this.#directory, String(execution));
  }
}

/** Of a file its bytes, of a directory the names in it; what was deleted meanwhile is not missed. */
async function syncAny(path: string): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A full disk is told as such. */
async function writeWhole(
  path: string,
  item: Uint8Array,
  write: (from: number) => Promise<number>,
): Promise<void> {
  for (let at = 0; at < item.byteLength; ) {
    try {
      at += await write(at);
    } catch (error) {
      orDiskFull(path, item.byteLength, () => {
        throw error;
      });
    }
  }
}

/**
 * The batches of a copy, with the bytes of each.
 *
 * @throws {LucioleError} code "checkpoint-damaged" When it is not what was written.
 */
export function* readCopy(copy: ShardCopy): Generator<{ readonly item: Uint8Array; readonly batch: Batch }> {
  const left = { rows: copy.rows, batches: copy.batches, bytes: copy.bytes };
  let fd: number | undefined;
  try {
    fd = openSync(copy.path, "r");
    while (left.bytes > 0) {
      const item = readItem(fd, copy.bytes - left.bytes);
      const decoded = decodeItem(item, codecPorts);
      if (decoded.kind !== "batch") throw new RangeError("it ends too early");
      left.rows -= decoded.batch.rows;
      left.batches -= 1;
      left.bytes -= item.byteLength;
      yield { item, batch: decoded.batch };
    }
    if (left.rows !== 0 || left.batches !== 0) throw new RangeError("it is not whole");
  } catch (cause) {
    const message = `Cannot use ${copy.path}: ${describeThrown(cause)}`;
    throw new LucioleError("checkpoint-damaged", message, { cause });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readItem(fd: number, position: number): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const length = readAt(fd, head, position) === HEAD_BYTES ? itemLength(head, 0) : undefined;
  if (length === undefined) throw new RangeError("it was cut short");
  const item = new Uint8Array(length);
  if (readAt(fd, item, position) < length) throw new RangeError("it was cut short");
  return item;
}

/** Whether all shards of a dataset have copies of as many rows. */
export function isWhole(
  copies: ReadonlyMap<number, ShardCopy> | undefined,
  shards: readonly { readonly rows: number }[],
): boolean {
  return shards.every(({ rows }, shard) => copies?.get(shard)?.rows === rows);
}

/** Reads all of them, to be told of what is damaged before anybody builds upon it. */
export function checkCopies(copies: ReadonlyMap<number, ShardCopy> | undefined): void {
  for (const copy of copies?.values() ?? []) for (const _ of readCopy(copy));
}
