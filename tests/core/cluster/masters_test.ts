/**
 * Several masters that know nothing of each other, agents that decide on their own slots, and drivers
 * that ask any master: random stories in which heartbeats come late and masters start anew.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Placement, PlacementRequest } from "../../../core/cluster/placement.ts";
import { PlacementLine } from "../../../core/cluster/placement_line.ts";
import { Registry } from "../../../core/cluster/registry.ts";
import { randomNumbers } from "../../simulation/random.ts";
import { agentInfo, heartbeat, jobLoad, request } from "./agents.ts";

const STEP_MS = 100;
/** Each agent is heard of at least so often, in steps. */
const INTERVAL = 20;
/** So long it tells of a job that it has ended. */
const LATE = 30;

class Agent {
  readonly jobs = new Map<string, number>();
  readonly id: string;
  readonly slots: number;
  #sequence = 0;
  readonly #ended: { readonly job: string; readonly step: number }[] = [];

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

  end(job: string, step: number): boolean {
    if (!this.jobs.delete(job)) return false;
    this.#ended.push({ job, step });
    return true;
  }

  beat(step: number) {
    const jobs = Array.from(this.jobs, ([job, workers]) => jobLoad(job, workers));
    const told = heartbeat(agentInfo(this.id, { slots: this.slots }), this.#sequence++, jobs);
    const ended = this.#ended.filter((one) => step - one.step <= LATE).map(({ job }) => job);
    return { ...told, load: { ...told.load, ended } };
  }
}

/** A master as net/master has it: the line is served when somebody joins, and when there may be more room. */
class Master {
  readonly registry = new Registry({ lostMs: 10_000 });
  readonly #line = new PlacementLine(this.registry);
  readonly #answers = new Map<number, Placement>();
  #servedGains = 0;
  #tickets = 0;

  ask(wanted: PlacementRequest, waitMs: number, now: number): number {
    const ticket = this.#tickets++;
    this.#line.join({ ticket, request: wanted, until: now + waitMs }, now);
    this.#serve(now);
    return ticket;
  }

  answer(ticket: number): Placement | undefined {
    return this.#answers.get(ticket);
  }

  step(now: number): void {
    const changes = this.registry.apply({ kind: "tick" }, now);
    const isOther = changes.length > 0 || this.registry.gains > this.#servedGains;
    if (isOther || this.#line.nextDeadline() <= now) this.#serve(now);
    this.registry.check();
  }

  #serve(now: number): void {
    this.#servedGains = this.registry.gains;
    for (const { ticket, placement } of this.#line.serve(now)) this.#answers.set(ticket, placement);
  }
}

/** Takes all of its workers or none, as net/driver/cluster/seats.ts. */
interface Driver {
  readonly job: string;
  readonly workers: number;
  readonly comesAt: number;
  /** Steps that it has still to run. */
  stepsLeft: number;
  isRunning: boolean;
  asked: { readonly master: Master; readonly ticket: number } | undefined;
  waitMs: number;
  refusedBy: string[];
}

class Cluster {
  readonly agents: readonly Agent[];
  readonly drivers: readonly Driver[];
  readonly masters = [new Master(), new Master()];
  refusals = 0;
  #now = 0;
  readonly #random: () => number;
  /** Agents that each master has not heard of since they changed. */
  readonly #untold = [new Set<Agent>(), new Set<Agent>()];

  constructor(slots: readonly number[], drivers: readonly Driver[], random: () => number) {
    this.agents = slots.map((count, i) => new Agent(`a${i}`, count));
    this.drivers = drivers;
    this.#random = random;
  }

  get isIdle(): boolean {
    return this.drivers.every(({ isRunning }) => !isRunning);
  }

  step(number: number): void {
    this.#now += STEP_MS;
    if (this.#random() < 0.01) this.masters[number % 2] = new Master();
    for (const [m, master] of this.masters.entries()) {
      for (const [i, agent] of this.agents.entries()) {
        const isDue = (number + i) % INTERVAL === 0 || (this.#untold[m].has(agent) && this.#random() < 0.7);
        if (!isDue) continue;
        this.#untold[m].delete(agent);
        master.registry.apply({ kind: "heartbeat", heartbeat: agent.beat(this.#now / STEP_MS) }, this.#now);
      }
      master.step(this.#now);
    }
    for (const [i, driver] of this.drivers.entries()) {
      if (driver.stepsLeft > 0 && number >= driver.comesAt) this.#drive(driver, i % 2);
    }
  }

  #drive(driver: Driver, home: number): void {
    if (driver.isRunning) {
      if (--driver.stepsLeft === 0) this.#end(driver);
      return;
    }
    const { asked } = driver;
    const isLost = asked === undefined || !this.masters.includes(asked.master);
    const placement = isLost ? undefined : asked.master.answer(asked.ticket);
    if (placement !== undefined) this.#start(driver, placement);
    if ((isLost || placement !== undefined) && !driver.isRunning) this.#ask(driver, this.masters[home]);
  }

  #ask(driver: Driver, master: Master): void {
    const { job, workers, refusedBy, waitMs } = driver;
    const wanted = request(job, workers, { leastWorkers: workers, memoryBytes: 0, exclude: refusedBy });
    const patience = refusedBy.length === 0 ? waitMs : 0;
    driver.asked = { master, ticket: master.ask(wanted, patience, this.#now) };
  }

  #start(driver: Driver, { grants }: Placement): void {
    driver.waitMs = grants.length === 0 ? 20_000 : driver.waitMs;
    driver.refusedBy = grants.length === 0 ? [] : driver.refusedBy;
    const refused = grants.filter(({ agent, workers }) => !this.#agent(agent.id).take(driver.job, workers));
    for (const { agent } of grants) this.#changed(this.#agent(agent.id));
    driver.isRunning = grants.length > 0 && refused.length === 0;
    if (refused.length === 0) return;
    this.refusals += refused.length;
    driver.refusedBy.push(...refused.map(({ agent }) => agent.id));
    this.#end(driver);
  }

  #end(driver: Driver): void {
    driver.isRunning = false;
    for (const agent of this.agents) if (agent.end(driver.job, this.#now / STEP_MS)) this.#changed(agent);
  }

  #changed(agent: Agent): void {
    for (const untold of this.#untold) untold.add(agent);
  }

  #agent(id: string): Agent {
    const agent = this.agents.find((one) => one.id === id);
    if (agent === undefined) throw new Error(`there is no agent ${id}`);
    return agent;
  }
}

const arbitraryDriver = fc.record({
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  comesAt: fc.nat(30),
  stepsLeft: fc.integer({ min: 1, max: 20 }),
});
const arbitrarySlots = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
/** A driver that was refused asks again after heartbeats; two may refuse each other for a while. */
const MAX_IDLE_STEPS = 60;

test("all jobs run, soon, and no slot is taken twice, whatever two masters grant", () => {
  let refusals = 0;
  fc.assert(
    fc.property(
      arbitrarySlots,
      fc.array(arbitraryDriver, { minLength: 1, maxLength: 6 }),
      fc.integer(),
      (slots, shares, seed) => {
        const total = slots.reduce((sum, count) => sum + count, 0);
        const drivers = shares.map(({ share, comesAt, stepsLeft }, i): Driver => {
          const workers = 1 + Math.round(share * (total - 1));
          const start = { isRunning: false, asked: undefined, waitMs: 0, refusedBy: [] };
          return { job: `j${i}`, workers, comesAt, stepsLeft, ...start };
        });
        const cluster = new Cluster(slots, drivers, randomNumbers(seed));
        let idleSteps = 0;
        for (let number = 0; drivers.some(({ stepsLeft }) => stepsLeft > 0); number++) {
          cluster.step(number);
          idleSteps = cluster.isIdle && number > 30 ? idleSteps + 1 : 0;
          expect(idleSteps).toBeLessThan(MAX_IDLE_STEPS);
          for (const agent of cluster.agents) expect(agent.free).toBeGreaterThanOrEqual(0);
        }
        for (const agent of cluster.agents) expect(agent.jobs.size).toBe(0);
        refusals += cluster.refusals;
      },
    ),
    { numRuns: 200 },
  );
  // The stories are about masters that grant the same slots.
  expect(refusals).toBeGreaterThan(0);
});
