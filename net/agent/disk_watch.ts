/**
 * Measures what the jobs of an agent take on its disk, while there are jobs.
 *
 * Spilled data has no name: on Linux it is found by the open files of the workers, elsewhere it is not counted. What
 * follows from it is decided in core/agent/disk_guard.ts.
 */
import { readdir, readlink, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { DiskGuard } from "../../core/agent/disk_guard.ts";

export interface DiskWatchOptions {
  readonly directory: string;
  readonly quotaBytes: number;
  /** Process ids of all workers. */
  readonly workers: () => readonly number[];
  readonly onNotice: (text: string) => void;
  /** There is no room any more, and why; or there is again. */
  readonly onRoom: (refusal: string | undefined) => void;
}

const EVERY_MS = 500;
/** With very many files measuring takes long; it may take this share of the time. */
const TIME_SHARE = 0.05;

export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #guard: DiskGuard;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the time since it began; a measurement of an earlier one counts for nothing. */
  #running: object | undefined;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#guard = new DiskGuard(options.quotaBytes);
  }

  get freeBytes(): number {
    return this.#guard.freeBytes;
  }

  get refusal(): string | undefined {
    return this.#guard.refusal;
  }

  /** Begins, should it not run. */
  start(): void {
    if (this.#running !== undefined) return;
    const running = {};
    this.#running = running;
    this.#timer = setTimeout(() => void this.#measure(running), EVERY_MS);
  }

  /** There are no jobs, and so no files. */
  stop(): void {
    this.#running = undefined;
    clearTimeout(this.#timer);
    this.#take({ usedBytes: 0, freeBytes: Number.MAX_SAFE_INTEGER });
  }

  async #measure(running: object): Promise<void> {
    const begin = performance.now();
    const { directory, workers, onNotice } = this.#options;
    try {
      const sizes = await Promise.all([
        sizeBelow(directory),
        ...workers().map((pid) => spilledBy(pid, directory)),
      ]);
      const { bavail, bsize } = await statfs(directory);
      if (this.#running !== running) return;
      this.#take({ usedBytes: sizes.reduce((sum, size) => sum + size, 0), freeBytes: bavail * bsize });
    } catch (error) {
      onNotice(`cannot measure ${directory}: ${error instanceof Error ? error.message : error}`);
    }
    const took = performance.now() - begin;
    if (this.#running === running)
      this.#timer = setTimeout(() => void this.#measure(running), Math.max(EVERY_MS, took / TIME_SHARE));
  }

  #take(measure: { readonly usedBytes: number; readonly freeBytes: number }): void {
    const before = this.#guard.refusal;
    const text = this.#guard.measured(measure);
    if (text !== undefined) this.#options.onNotice(text);
    // The text has numbers in it that change.
    if ((before === undefined) !== (this.#guard.refusal === undefined))
      this.#options.onRoom(this.#guard.refusal);
  }
}

/** Of all files; those that go meanwhile count for nothing. */
async function sizeBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries.map((entry) => (entry.isFile() ? sizeOf(join(entry.parentPath, entry.name)) : 0));
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function spilledBy(pid: number, directory: string): Promise<number> {
  const open = `/proc/${pid}/fd`;
  let bytes = 0;
  for (const name of await readdir(open).catch(() => [])) {
    const path = join(open, name);
    const target = await readlink(path).catch(() => "");
    if (target.startsWith(directory) && target.endsWith(" (deleted)")) bytes += await sizeOf(path);
  }
  return bytes;
}

async function sizeOf(path: string): Promise<number> {
  try {
    const { blocks, size } = await stat(path);
    // What was not written takes no space.
    return Math.min(size, blocks * 512);
  } catch {
    return 0;
  }
}
