/**
 * The disk of a simulated agent: somebody fills it for a while, and the production guard says when nothing may be
 * written, as far as it has measured that.
 */
import { DiskGuard } from "../../core/agent/disk_guard.ts";

const QUOTA_BYTES = 1_000_000;
const USED_BYTES = 1_000;

export class SimulatedDisk {
  static readonly MEASURE_MS = 100;
  readonly #guard = new DiskGuard(QUOTA_BYTES);
  #fullFrom = 0;
  #fullUntil = 0;

  fill(now: number, ms: number): void {
    if (now >= this.#fullUntil) this.#fullFrom = now;
    this.#fullUntil = Math.max(this.#fullUntil, now + ms);
  }

  /** @returns Whether it is worth measuring again. */
  measure(now: number): boolean {
    const isFull = now < this.#fullUntil;
    this.#guard.measured({ usedBytes: USED_BYTES, freeBytes: isFull ? 0 : QUOTA_BYTES });
    return isFull;
  }

  /** Why nothing may be written now. @throws When that has not been so for longer than a measurement takes. */
  refusal(now: number): string | undefined {
    const { refusal } = this.#guard;
    const late = 2 * SimulatedDisk.MEASURE_MS;
    const isFull = now < this.#fullUntil;
    if (refusal !== undefined && now >= this.#fullUntil + late)
      throw new Error(`writes are refused, and there is room: ${refusal}`);
    if (refusal === undefined && isFull && now >= this.#fullFrom + late)
      throw new Error("writes go on, and the disk is full");
    return refusal;
  }
}
