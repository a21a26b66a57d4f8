/**
 * How full the disk space of an agent is: when to warn, and when nothing more may be written.
 *
 * Sans-I/O: it is told what was measured. It does not know who writes.
 */
import { formatSize } from "../program/size.ts";

export interface DiskMeasure {
  /** What shards, channels and spilled data take. */
  readonly usedBytes: number;
  /** What the disk has left. */
  readonly freeBytes: number;
}

const WARN_SHARE = 0.85;
/** Below this it may warn anew. */
const CALM_SHARE = 0.8;

export class DiskGuard {
  readonly #quotaBytes: number;
  #usedBytes = 0;
  #limitBytes: number;
  #hasWarned = false;
  #refusal: string | undefined;

  /** @param quotaBytes What may be used. */
  constructor(quotaBytes: number) {
    this.#quotaBytes = quotaBytes;
    this.#limitBytes = quotaBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.#limitBytes - this.#usedBytes);
  }

  /** Why nothing may be written now; undefined when there is room. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Returns a line for people when there is something new to tell. */
  measured({ usedBytes, freeBytes }: DiskMeasure): string | undefined {
    this.#usedBytes = usedBytes;
    this.#limitBytes = Math.min(this.#quotaBytes, usedBytes + freeBytes);
    const share = usedBytes / Math.max(1, this.#limitBytes);
    const state = `${formatSize(usedBytes)} of ${formatSize(this.#limitBytes)} of disk space are used`;
    const wasFull = this.#refusal !== undefined;
    this.#refusal = share >= 1 ? `its disk space is used up: ${state}` : undefined;
    if (share < CALM_SHARE) this.#hasWarned = false;
    if (share >= 1) return wasFull ? undefined : `disk full: ${state}; tasks that write fail`;
    if (wasFull) return `there is room on the disk again: ${state}`;
    if (share < WARN_SHARE || this.#hasWarned) return undefined;
    this.#hasWarned = true;
    return `warning: ${state}`;
  }
}
