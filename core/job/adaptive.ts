/**
 * How many workers a job should have, by what waits for them: a pure function of samples over time.
 *
 * It adds workers when tasks have waited for a while, twice as many each time at most, and takes them away only when
 * some were idle for much longer, as many as never had anything to do meanwhile. A load that swings faster than that
 * changes nothing, so that workers do not come and go with each wave. It knows no clock and starts nobody.
 */

import { checkOptions } from "../graph/arguments.ts";

/**
 * Within which bounds, and how quickly, a job changes the number of its workers by itself.
 *
 * @example Up to two more than at first
 * ```ts
 * import { type AdaptiveOptions, flow, run } from "luciole";
 * const numbers = flow("adaptive", (f) => f.range(3));
 * await run(async (job) => {
 *   const options: AdaptiveOptions = { min: 1, max: job.workers + 2, upAfterMs: 500 };
 *   console.log(job.scaler.adaptive(options)); // true
 *   console.log(await (await job.execute(numbers)).collect()); // [0, 1, 2]
 * });
 * ```
 */
export interface AdaptiveOptions {
  /** Fewest workers. Default 1. */
  readonly min?: number;
  /** Most workers. */
  readonly max: number;
  /** How long tasks have to wait for more workers to come, in milliseconds. Default 1,000. */
  readonly upAfterMs?: number;
  /** How long workers have to be idle before they go, in milliseconds. Default 30,000. */
  readonly downAfterMs?: number;
}

/** What is seen of a job at one moment. */
export interface Load {
  readonly workers: number;
  /** Tasks that run, and tasks that could and have no worker. */
  readonly running: number;
  readonly waiting: number;
}

const UP_AFTER_MS = 1_000;
const DOWN_AFTER_MS = 30_000;

export class AdaptivePolicy {
  readonly #min: number;
  readonly #max: number;
  readonly #upAfterMs: number;
  readonly #downAfterMs: number;
  /** Since when tasks wait, and the fewest of them since. */
  #waiting: { readonly since: number; least: number } | undefined;
  /** Since when workers are idle, and the most that were wanted since. */
  #idle: { readonly since: number; most: number } | undefined;

  /**
   * @throws {RangeError} When the bounds are none.
   * @throws {TypeError} When an option is not known.
   */
  constructor(options: AdaptiveOptions) {
    checkOptions("adaptive", options, ["min", "max", "upAfterMs", "downAfterMs"]);
    const { min = 1, max, upAfterMs = UP_AFTER_MS, downAfterMs = DOWN_AFTER_MS } = options;
    const areWorkers = Number.isInteger(min) && Number.isInteger(max) && min >= 1 && max >= min;
    if (!areWorkers) {
      throw new RangeError(
        `Cannot adapt the number of workers: expected whole numbers 1 <= min <= max, got min ${min} and max ${max}`,
      );
    }
    for (const [name, ms] of Object.entries({ upAfterMs, downAfterMs })) {
      if (!(Number.isFinite(ms) && ms >= 0)) {
        throw new RangeError(`Cannot adapt the number of workers: ${name} must be a time in ms, got ${ms}`);
      }
    }
    this.#min = min;
    this.#max = max;
    this.#upAfterMs = upAfterMs;
    this.#downAfterMs = downAfterMs;
  }

  /** How many workers to add; to take away where it is negative. */
  step({ workers, running, waiting }: Load, now: number): number {
    if (workers < this.#min) return this.#change(this.#min - workers);
    if (workers > this.#max) return this.#change(this.#max - workers);
    this.#note(workers, running + waiting, waiting, now);
    if (this.#waiting !== undefined && now - this.#waiting.since >= this.#upAfterMs) {
      return this.#change(Math.min(this.#waiting.least, workers, this.#max - workers));
    }
    if (this.#idle !== undefined && now - this.#idle.since >= this.#downAfterMs) {
      return this.#change(Math.max(this.#idle.most, this.#min) - workers);
    }
    return 0;
  }

  #note(workers: number, wanted: number, waiting: number, now: number): void {
    if (waiting === 0 || workers >= this.#max) this.#waiting = undefined;
    else if (this.#waiting === undefined) this.#waiting = { since: now, least: waiting };
    else this.#waiting.least = Math.min(this.#waiting.least, waiting);
    if (wanted >= workers || workers <= this.#min) this.#idle = undefined;
    else if (this.#idle === undefined) this.#idle = { since: now, most: wanted };
    else this.#idle.most = Math.max(this.#idle.most, wanted);
  }

  /** What was seen before a change says nothing about the time after it. */
  #change(by: number): number {
    this.#waiting = undefined;
    this.#idle = undefined;
    return by;
  }
}
