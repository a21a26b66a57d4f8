/**
 * How the number of a simulated job's workers changes: by request, by the production policy, and in the place of those
 * that were lost, as net/driver/members/job_scaler.ts has it.
 */
import { type AdaptiveOptions, AdaptivePolicy, type Load } from "../../core/job/adaptive.ts";
import type { Process } from "./network.ts";
import type { Roster } from "./roster.ts";
import type { Seats, Wish } from "./seats.ts";
import type { World } from "./world.ts";

const LOOK_MS = 20;
const SAMPLE_MS = 250;
const JOIN_MS = 200_000;
const REPLACE_MS = 60_000;
const AGAIN_MS = 1_000;

export interface ScalingOptions {
  readonly driver: Process;
  readonly roster: Roster;
  readonly seats: Seats;
  /** Takes others in the place of workers that were lost with their agent. */
  readonly replacesLost: boolean;
  readonly load: () => Load;
  /** Nobody comes in the place of lost workers, or they have come. */
  readonly onReplaced: () => void;
}

type Change = (onOver: () => void) => void;

export class Scaling {
  readonly #options: ScalingOptions;
  readonly #world: World;
  readonly #changes: Change[] = [];
  #isChanging = false;
  #missing = 0;
  #isReplacing = false;
  /** The first one is being taken. */
  readonly #wishes: Wish[] = [];
  #growing = 0;
  #starting: ReadonlySet<number> = new Set();
  #isAdapting = false;

  constructor(options: ScalingOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  /** More workers may come. */
  get mayGrow(): boolean {
    return this.#isAdapting || this.#isReplacing || this.#growing > 0;
  }

  get isReplacing(): boolean {
    return this.#isReplacing;
  }

  get isIdle(): boolean {
    return this.#changes.length === 0 && !this.#isChanging && !this.#isReplacing;
  }

  up(count: number): void {
    this.#growing += 1;
    this.#inTurn((onOver) =>
      this.#grow(count, count, () => {
        this.#growing -= 1;
        onOver();
      }),
    );
  }

  down(count: number, graceMs: number): void {
    this.#inTurn((onOver) => this.#shrink(count, graceMs, onOver));
  }

  adapt(options: AdaptiveOptions, untilMs: number): void {
    const policy = new AdaptivePolicy(options);
    const { timeline } = this.#world;
    let isChanging = false;
    this.#isAdapting = true;
    const over = (): void => {
      isChanging = false;
    };
    const sample = (): void => {
      this.#isAdapting = timeline.now < untilMs;
      if (!this.#isAdapting) return;
      this.#later(SAMPLE_MS, sample);
      if (isChanging || this.#isReplacing) return;
      const load = this.#options.load();
      const by = policy.step(load, timeline.now);
      checkStep(options, load, by);
      if (by === 0) return;
      isChanging = true;
      this.#world.tell(`the load asks for ${by} workers`);
      if (by > 0) this.#inTurn((onOver) => this.#grow(by, 1, onOver), over);
      else this.#inTurn((onOver) => this.#shrink(-by, 200, onOver), over);
    };
    this.#later(SAMPLE_MS, sample);
  }

  /** @returns Whether others are looked for in their place. */
  lost(workers: readonly number[]): boolean {
    if (!this.#options.replacesLost) return false;
    const count = workers.filter((worker) => !this.#starting.has(worker)).length;
    if (count === 0) return this.#isReplacing;
    this.#missing += count;
    if (!this.#isReplacing) {
      this.#isReplacing = true;
      this.#replace(this.#world.timeline.now + REPLACE_MS);
    }
    return true;
  }

  #replace(until: number): void {
    const { roster, onReplaced } = this.#options;
    if (this.#missing <= 0 || this.#world.timeline.now >= until) {
      this.#missing = 0;
      this.#isReplacing = false;
      onReplaced();
      return;
    }
    const workers = this.#missing;
    this.#take({
      workers,
      least: 1,
      until,
      reserve: () => roster.crew.reserve(workers),
      giveUp: (first, count) => roster.crew.giveUp(first, count),
      onTaken: (grants, first) => {
        roster.add(grants, first);
        this.#missing = Math.max(0, this.#missing - grants.reduce((sum, grant) => sum + grant.workers, 0));
        this.#replace(until);
      },
      onRefused: () => this.#later(AGAIN_MS, () => this.#replace(until)),
    });
  }

  /** One start of workers at a time. */
  #take(wish: Wish): void {
    const over = (): void => {
      this.#wishes.shift();
      const [next] = this.#wishes;
      if (next !== undefined) this.#options.seats.take(next);
    };
    this.#wishes.push({
      ...wish,
      onTaken: (grants, first) => {
        wish.onTaken(grants, first);
        over();
      },
      onRefused: () => {
        wish.onRefused();
        over();
      },
    });
    if (this.#wishes.length === 1) this.#options.seats.take(this.#wishes[0]);
  }

  #grow(count: number, least: number, onOver: () => void): void {
    const { roster } = this.#options;
    this.#take({
      workers: count,
      least,
      reserve: () => roster.crew.reserve(count),
      giveUp: (first, unused) => roster.crew.giveUp(first, unused),
      onRefused: onOver,
      onTaken: (grants, first) => {
        const come = grants.reduce((sum, grant) => sum + grant.workers, 0);
        const numbers = Array.from({ length: come }, (_, i) => first + i);
        this.#starting = new Set(numbers);
        roster.add(grants, first);
        this.#until(
          () => numbers.every((number) => roster.crew.stateOf(number) !== "absent"),
          () => {
            this.#starting = new Set();
            const isWhole = numbers.every((number) => roster.crew.stateOf(number) === "present");
            if (!isWhole) roster.shrink(numbers, 200);
            onOver();
          },
        );
      },
    });
  }

  #shrink(count: number, graceMs: number, onOver: () => void): void {
    const { roster } = this.#options;
    const numbers = roster.workers.toSorted((a, b) => b - a);
    if (count < numbers.length) roster.shrink(numbers.slice(0, count), graceMs);
    onOver();
  }

  /** One change after the other, each when all workers of the one before have joined. */
  #inTurn(change: Change, onOver: () => void = () => undefined): void {
    this.#changes.push((next) =>
      change(() => {
        onOver();
        next();
      }),
    );
    if (!this.#isChanging) this.#next();
  }

  #next(): void {
    const change = this.#changes.shift();
    this.#isChanging = change !== undefined;
    if (change === undefined) return;
    const { crew } = this.#options.roster;
    this.#until(
      () => crew.isComplete || crew.workers.length === 0,
      () => change(() => this.#next()),
    );
  }

  #until(isOver: () => boolean, act: () => void): void {
    const deadline = this.#world.timeline.now + JOIN_MS;
    const look = (): void => {
      if (isOver()) act();
      else if (this.#world.timeline.now >= deadline)
        throw new Error("workers have not joined, and are not gone");
      else this.#later(LOOK_MS, look);
    };
    look();
  }

  #later(ms: number, act: () => void): void {
    const { driver } = this.#options;
    const { life } = driver;
    this.#world.timeline.after(ms, () => {
      if (driver.isUp && driver.life === life) act();
    });
  }
}

/** Never beyond the bounds, nor more than there is use for. */
function checkStep({ min = 1, max }: AdaptiveOptions, { workers, running, waiting }: Load, by: number): void {
  const to = workers + by;
  const isWithin = by === 0 || (to >= min && to <= max);
  const isOfUse = by <= 0 || workers < min || waiting > 0;
  const isIdle = by >= 0 || workers > max || running + waiting <= to || to === min;
  if (!isWithin || !isOfUse || !isIdle)
    throw new Error(`of ${workers} workers with ${running} and ${waiting} tasks ${to} are to be made`);
}
