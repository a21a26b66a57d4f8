/**
 * Several masters that know nothing of each other, agents that decide on their own slots, and drivers
 * that ask any master: random stories in which heartbeats come late and masters start anew.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Registry } from "../../../core/cluster/registry.ts";
import { agentInfo, heartbeat, jobLoad, request } from "./agents.ts";

const STEP_MS = 100;
/** Each agent is heard of at least so often, in steps. */
const INTERVAL = 20;

class Agent {
  readonly jobs = new Map<string, number>();
  readonly id: string;
  readonly slots: number;
  #sequence = 0;

  constructor(id: string, slots: number) {
    this.id = id;
    this.slots = slots;
  }

  get free(): number {
    return this.slots - [...this.jobs.values()].reduce((sum, workers) => sum + workers, 0);
  }

  take(job: string, workers: number): boolean {
    if (workers > this.free) return false;
    this.jobs.set(job, (this.jobs.get(job) ?? 0) + workers);
    return true;
  }

  beat() {
    const jobs = Array.from(this.jobs, ([job, workers]) => jobLoad(job, workers));
    return heartbeat(agentInfo(this.id, { slots: this.slots }), this.#sequence++, jobs);
  }
}

interface Driver {
  readonly job: string;
  readonly wanted: number;
  readonly comesAt: number;
  stepsLeft: number;
  has: number;
  refusedBy: string[];
}

class Cluster {
  readonly agents: readonly Agent[];
  readonly drivers: readonly Driver[];
  masters: Registry[] = [open(), open()];
  refusals = 0;
  #now = 0;
  readonly #random: () => number;

  constructor(
    slots: readonly number[],
    drivers: readonly Omit<Driver, "job" | "has" | "refusedBy">[],
    random: () => number,
  ) {
    this.agents = slots.map((count, i) => new Agent(`a${i}`, count));
    this.drivers = drivers.map((driver, i) => ({ ...driver, job: `j${i}`, has: 0, refusedBy: [] }));
    this.#random = random;
  }

  step(number: number): void {
    this.#now += STEP_MS;
    if (this.#random() < 0.02) this.masters[number % 2] = open();
    for (const [i, agent] of this.agents.entries()) {
      for (const master of this.masters) {
        const isDue = (number + i) % INTERVAL === 0;
        if (isDue || this.#random() < 0.2) {
          master.apply({ kind: "heartbeat", heartbeat: agent.beat() }, this.#now);
          master.check();
        }
      }
    }
    for (const driver of this.drivers) this.#drive(driver, number);
  }

  #drive(driver: Driver, number: number): void {
    if (driver.stepsLeft === 0 || number < driver.comesAt) return;
    if (driver.has > 0) driver.stepsLeft--;
    if (driver.stepsLeft === 0) for (const agent of this.agents) agent.jobs.delete(driver.job);
    else if (driver.has < driver.wanted) this.#ask(driver);
  }

  #ask(driver: Driver): void {
    const master = this.masters[this.#random() < 0.5 ? 0 : 1];
    if (this.#random() < 0.2) driver.refusedBy = [];
    const wanted = request(driver.job, driver.wanted - driver.has, {
      memoryBytes: 0,
      exclude: driver.refusedBy,
    });
    for (const { agent, workers } of master?.place(wanted, this.#now).grants ?? []) {
      const at = this.agents.find(({ id }) => id === agent.id);
      if (at?.take(driver.job, workers) === true) driver.has += workers;
      else {
        this.refusals++;
        driver.refusedBy.push(agent.id);
      }
    }
  }
}

/** Numbers from 0 to 1, evenly: those of fast-check prefer the ends. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function open(): Registry {
  return new Registry({ lostMs: 10_000 });
}

test("all jobs run, and no slot is taken twice, whatever two masters grant", () => {
  let refusals = 0;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      fc.array(
        fc.record({
          wanted: fc.integer({ min: 1, max: 8 }),
          comesAt: fc.nat(30),
          stepsLeft: fc.integer({ min: 1, max: 20 }),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      fc.integer(),
      (slots, drivers, seed) => {
        const cluster = new Cluster(slots, drivers, randomOf(seed));
        for (let number = 0; cluster.drivers.some(({ stepsLeft }) => stepsLeft > 0); number++) {
          expect(number).toBeLessThan(2_000);
          cluster.step(number);
          for (const agent of cluster.agents) expect(agent.free).toBeGreaterThanOrEqual(0);
        }
        for (const agent of cluster.agents) expect(agent.jobs.size).toBe(0);
        refusals += cluster.refusals;
      },
    ),
    { numRuns: 100 },
  );
  // The stories are about masters that grant the same slots.
  expect(refusals).toBeGreaterThan(0);
});
