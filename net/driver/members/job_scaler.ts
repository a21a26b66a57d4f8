/**
 * Changes the worker set of a job: one change at a time, each all or nothing, and takes others in the place of lost ones.
 *
 * It decides which workers go and how long is waited; where others come from is the fleet's.
 */

import { describeThrown } from "../../../core/errors.ts";
import { type AdaptiveOptions, AdaptivePolicy } from "../../../core/job/adaptive.ts";
import { plural } from "../../../core/program/plural.ts";
import { pause } from "../../pause.ts";
import type { Executor } from "../executor/executor.ts";
import type { Enlisted, EnlistOptions, Fleet } from "./fleet.ts";
import type { Scaler } from "./scaler.ts";

/** What workers that are to go may take to end their tasks. */
const DRAIN_MS = 10_000;
/** Beyond it their agent has not answered. */
const GONE_MS = 15_000;
/** An agent starts a worker three times, and waits for a minute each time. */
const JOIN_MS = 200_000;
const SAMPLE_MS = 250;
/** How long others are looked for in the place of lost workers, and how often where asking fails. */
const REPLACE_MS = 60_000;
const AGAIN_MS = 1_000;

export interface JobScalerOptions {
  readonly executor: Pick<
    Executor,
    "members" | "load" | "addWorkers" | "removeWorkers" | "onWorkersLost" | "awaitNoAgents"
  >;
  readonly fleet: Fleet;
  readonly isScalable: boolean;
  /** Takes others in the place of workers that were lost with their agent. */
  readonly replacesLost: boolean;
  readonly log: (text: string) => void;
  /** The job is over. */
  readonly signal: AbortSignal;
}

export class JobScaler implements Scaler {
  readonly scalable: boolean;
  readonly #options: JobScalerOptions;
  /** The last change; the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Workers that were lost, in whose place others are looked for. */
  #missing = 0;
  #isReplacing = false;
  /** The last start of workers. */
  #enlisting: Promise<void> = Promise.resolve();
  /** Calls of scaleUp that have not ended. */
  #growing = 0;
  /** Workers of a call that is refused when one of them does not come: nobody is looked for in their place. */
  #starting: ReadonlySet<number> = new Set();
  /** It is told already that the load gets no workers. */
  #hasToldFull = false;

  constructor(options: JobScalerOptions) {
    this.#options = options;
    this.scalable = options.isScalable;
    options.signal.addEventListener("abort", () => this.#endAdapting(), { once: true });
    options.executor.onWorkersLost = (workers) => this.#replace(workers);
  }

  /** More workers may come: without anybody's asking, or because somebody has asked. */
  get mayGrow(): boolean {
    return this.#timer !== undefined || this.#isReplacing || this.#growing > 0;
  }

  async scaleUp(count: number): Promise<boolean> {
    this.#check("up", count);
    if (!this.scalable) return false;
    this.#growing += 1;
    try {
      return await this.#inTurn(() => this.#grow(count, false));
    } finally {
      this.#growing -= 1;
    }
  }

  async scaleDown(count: number): Promise<boolean> {
    this.#check("down", count);
    if (!this.scalable) return false;
    return await this.#inTurn(() => this.#shrink(count));
  }

  adaptive(options: AdaptiveOptions | false): boolean {
    if (this.#options.signal.aborted) throw closed();
    const policy = options === false ? undefined : new AdaptivePolicy(options);
    if (!this.scalable) return false;
    this.#endAdapting();
    if (policy === undefined) return true;
    let isChanging = false;
    this.#timer = setInterval(() => {
      // Those that take the place of lost ones are not there twice.
      if (isChanging || this.#isReplacing) return;
      const by = policy.step(this.#options.executor.load, performance.now());
      if (by === 0) return;
      isChanging = true;
      const change = by > 0 ? () => this.#grow(by, true) : () => this.#shrink(-by);
      this.#inTurn(change)
        .catch((error) => this.#options.log(`warning: the number of workers was not adapted: ${error}`))
        .finally(() => {
          isChanging = false;
        });
    }, SAMPLE_MS);
    return true;
  }

  #endAdapting(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @param takesFewer As many as there is room for: asked for again and again, so that only the first refusal is told. */
  async #grow(count: number, takesFewer: boolean): Promise<boolean> {
    const { executor, signal } = this.#options;
    const { members } = executor;
    const enlisted = await this.#enlist(count, { signal, isPatient: false, takesFewer }, (workers) => {
      this.#starting = new Set(workers);
    });
    if (enlisted.kind === "refused") {
      // A job that ends meanwhile is no lack of room.
      if (signal.aborted) throw closed();
      if (!takesFewer || !this.#hasToldFull) this.#refuse(`scale up by ${count}`, enlisted.why);
      if (takesFewer) this.#hasToldFull = true;
      return false;
    }
    this.#hasToldFull = false;
    const numbers = enlisted.workers.map(({ worker }) => worker);
    const until = AbortSignal.any([signal, AbortSignal.timeout(JOIN_MS)]);
    const hasJoined = await members.untilJoined(numbers, until);
    this.#starting = new Set();
    if (hasJoined) return true;
    if (signal.aborted) throw closed();
    this.#refuse(`scale up by ${count}`, "not all of the new workers could be started");
    await this.#remove(numbers);
    return false;
  }

  #replace(lost: readonly number[]): boolean {
    const { replacesLost, signal } = this.#options;
    if (!replacesLost || signal.aborted) return false;
    const count = lost.filter((worker) => !this.#starting.has(worker)).length;
    if (count === 0) return this.#isReplacing;
    this.#missing += count;
    if (!this.#isReplacing) {
      this.#isReplacing = true;
      void this.#replaceAll();
    }
    return true;
  }

  /** Never fails: with nobody to be found the job goes on with what it has, if anything. */
  async #replaceAll(): Promise<void> {
    const { executor, log, signal } = this.#options;
    const until = AbortSignal.any([signal, AbortSignal.timeout(REPLACE_MS)]);
    let why = "there is no room";
    while (this.#missing > 0 && !until.aborted) {
      try {
        const options = { signal: until, isPatient: true, takesFewer: true };
        const enlisted = await this.#enlist(this.#missing, options, () => undefined);
        if (enlisted.kind === "refused") break;
        const count = enlisted.workers.length;
        this.#missing = Math.max(0, this.#missing - count);
        const agents = new Set(enlisted.workers.map(({ agent }) => agent));
        log(`${count} of the lost workers are replaced, on ${[...agents].join(", ")}`);
      } catch (error) {
        why = describeThrown(error);
        await pause(AGAIN_MS, until);
      }
    }
    if (this.#missing > 0 && !signal.aborted) {
      log(`warning: ${this.#missing} lost workers were not replaced within ${REPLACE_MS / 1000} s: ${why}`);
    }
    this.#missing = 0;
    this.#isReplacing = false;
    if (!signal.aborted) executor.awaitNoAgents();
  }

  /**
   * One start at a time: of two the later one would end what the other has just begun on an agent that had been lost.
   *
   * @param onComing Told of the numbers of those that come, before they are there.
   */
  async #enlist(
    count: number,
    options: EnlistOptions,
    onComing: (workers: readonly number[]) => void,
  ): Promise<Enlisted> {
    const { executor, fleet } = this.#options;
    const before = this.#enlisting;
    const over = Promise.withResolvers<void>();
    this.#enlisting = over.promise;
    await before;
    try {
      const enlisted = await fleet.enlist(count, options);
      if (enlisted.kind === "refused") return enlisted;
      onComing(enlisted.workers.map(({ worker }) => worker));
      executor.addWorkers(enlisted.workers, enlisted.clients);
      return enlisted;
    } finally {
      over.resolve();
    }
  }

  async #shrink(count: number): Promise<boolean> {
    const { members } = this.#options.executor;
    const numbers = members.workers.map(({ worker }) => worker).toSorted((a, b) => b - a);
    if (count >= numbers.length) {
      this.#refuse(
        `scale down by ${count}`,
        `the job has ${plural(numbers.length, "worker")}, and needs one`,
      );
      return false;
    }
    await this.#remove(numbers.slice(0, count));
    return true;
  }

  async #remove(workers: readonly number[]): Promise<void> {
    const { executor, signal } = this.#options;
    const until = AbortSignal.any([signal, AbortSignal.timeout(GONE_MS)]);
    const areGone = await executor.removeWorkers(workers, DRAIN_MS, until);
    if (areGone || signal.aborted) return;
    const seconds = GONE_MS / 1000;
    this.#options.log(
      `warning: workers ${workers.join(", ")} get no tasks any more, but were not told as gone within ${seconds} s`,
    );
  }

  #refuse(what: string, why: string): void {
    this.#options.log(`cannot ${what}: ${why}`);
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const { executor, signal } = this.#options;
    const turn = this.#last.then(async () => {
      // An epoch that the next one overtakes would never be told as complete.
      await executor.members.untilComplete(AbortSignal.any([signal, AbortSignal.timeout(JOIN_MS)]));
      if (signal.aborted) throw closed();
      return await act();
    });
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  #check(way: string, count: number): void {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(
        `Cannot scale ${way}: expected a whole number of at least 1, got ${String(count)}`,
      );
    }
    if (this.#options.signal.aborted) throw closed();
  }
}

function closed(): TypeError {
  return new TypeError("Cannot scale the job: it is closed");
}
