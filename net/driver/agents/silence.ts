/**
 * How long nothing was heard of somebody, without the time in which this process stood still: it could not hear then.
 *
 * It does not know who is listened to, nor what follows from silence.
 */

const TICK_MS = 500;
/** Between two ticks there is never more, unless the program kept the process busy, or it or its machine was stopped. */
const STOOD_STILL_MS = 1_500;

export class Silence {
  #heardAt = performance.now();
  #tickedAt = performance.now();
  /** The longest time in which the process stood still. */
  stoodStillMs = 0;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  heard(): void {
    this.#heardAt = performance.now();
  }

  /** How long it lasts. */
  get ms(): number {
    this.#tick();
    return performance.now() - this.#heardAt;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const elapsed = now - this.#tickedAt;
    this.#tickedAt = now;
    if (elapsed < STOOD_STILL_MS) return;
    this.#heardAt = Math.min(now, this.#heardAt + elapsed);
    this.stoodStillMs = Math.max(this.stoodStillMs, elapsed);
  }
}
