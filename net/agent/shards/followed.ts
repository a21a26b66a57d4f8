/**
 * A shard that is read while it is written: wakes its readers, and holds its writer back.
 *
 * The writer is held while the slowest reader is 8 MiB behind. Where nobody reads, a
 * task need not wait, as its shard may be read when it is whole; a channel waits
 * when 64 MiB were written since anybody read. Holding is never for ever: when
 * no reader takes anything for ten seconds the writer may go on to the next bound
 * and a warning is given. So tasks that wait for each other in a circle (a reader
 * that has no slot because the writer holds it) cost disk space, and no deadlock.
 */

export interface FollowReader {
  /** Bytes of an attempt of this size that were written for this reader and that it has not taken. */
  pendingBytes(sizeBytes: number): number;
}

export type FollowEnd = { readonly kind: "committed" } | { readonly kind: "gone"; readonly cause: string };

export interface FollowedOptions {
  readonly onWarning: (text: string) => void;
  readonly stallMs?: number;
  /** Hold the writer also while nobody reads. */
  readonly needsReader: boolean;
}

const MAX_BEHIND_BYTES = 8 * 1024 * 1024;
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
const STALL_MS = 10_000;

export class Followed {
  readonly #options: FollowedOptions;
  /** Each with what it had not taken when the writer was last let go on without it. */
  readonly #readers = new Map<FollowReader, number>();
  #sizeBytes = 0;
  /** What was written when the last reader left. */
  #readBytes = 0;
  #end: FollowEnd | undefined;
  #wakeReaders: (() => void)[] = [];
  #letGo: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FollowedOptions) {
    this.#options = options;
  }

  get end(): FollowEnd | undefined {
    return this.#end;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** True once there is something to read. */
  get hasBytes(): boolean {
    return this.#sizeBytes > 0;
  }

  /** The writer has written up to this size; resolves when it may go on. */
  async grew(sizeBytes: number): Promise<void> {
    this.#sizeBytes = Math.max(this.#sizeBytes, sizeBytes);
    this.#wake();
    if (!this.#mustHold()) return;
    await new Promise<void>((resolve) => {
      this.#letGo.push(resolve);
      this.#watch();
    });
  }

  /** It is whole, or will never be. */
  settle(end: FollowEnd): void {
    this.#end ??= end;
    this.#release();
    this.#wake();
  }

  enter(reader: FollowReader): void {
    this.#readers.set(reader, 0);
    this.moved();
  }

  leave(reader: FollowReader): void {
    if (!this.#readers.delete(reader)) return;
    if (this.#readers.size === 0) this.#readBytes = this.#sizeBytes;
    this.moved();
  }

  /** A reader came, went or took something. */
  moved(reader?: FollowReader): void {
    if (reader !== undefined && this.#readers.has(reader)) this.#readers.set(reader, 0);
    if (this.#letGo.length === 0) return;
    if (this.#mustHold()) this.#watch();
    else this.#release();
  }

  /** Resolves when more was written, or when it ended. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReaders.push(resolve);
    });
  }

  #mustHold(): boolean {
    if (this.#end !== undefined) return false;
    if (this.#readers.size === 0) {
      return this.#options.needsReader && this.#sizeBytes - this.#readBytes >= MAX_UNREAD_BYTES;
    }
    for (const [reader, excused] of this.#readers)
      if (reader.pendingBytes(this.#sizeBytes) - excused >= MAX_BEHIND_BYTES) return true;
    return false;
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const stallMs = this.#options.stallMs ?? STALL_MS;
    this.#timer = setTimeout(() => {
      const who = this.#readers.size === 0 ? "nobody reads it" : "its slowest reader stands still";
      this.#options.onWarning(`goes on after ${stallMs} ms, ${this.#sizeBytes} bytes written: ${who}`);
      if (this.#readers.size === 0) this.#readBytes = this.#sizeBytes;
      for (const reader of this.#readers.keys())
        this.#readers.set(reader, reader.pendingBytes(this.#sizeBytes));
      this.#release();
    }, stallMs);
  }

  #release(): void {
    clearTimeout(this.#timer);
    const waiting = this.#letGo;
    this.#letGo = [];
    for (const resolve of waiting) resolve();
  }

  #wake(): void {
    const waiting = this.#wakeReaders;
    this.#wakeReaders = [];
    for (const resolve of waiting) resolve();
  }
}
