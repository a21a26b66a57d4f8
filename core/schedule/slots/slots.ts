/**
 * The slots of agents: how many there are, and how many are free, of all workers or of a set of them.
 *
 * A worker has one slot, its seat. Where workers have numbers it is known who sits where: an attempt gets the seat of
 * a worker that may perform it, changes to that of the worker that took it, and waits without one while another
 * attempt is in its place.
 */

import type { Agent } from "../agent_state.ts";
import type { Attempt, Execution } from "../execution_state.ts";
import type { JobState } from "../job_state.ts";
import { isIn, type WorkerSet } from "./worker_sets.ts";

/** Slots that can be used; none of an agent that cannot start workers. */
export function slotsOf({ slots, isBroken, workers }: Agent, set?: WorkerSet): number {
  if (isBroken) return 0;
  if (set === undefined) return slots;
  let count = 0;
  for (const worker of workers ?? []) if (set.has(worker)) count += 1;
  return count;
}

export function freeSlotsOf(agent: Agent, set?: WorkerSet): number {
  const { slots, isBroken, workers, running, free } = agent;
  if (isBroken) return 0;
  if (workers === undefined) return set === undefined ? Math.max(0, slots - running.size) : 0;
  if (set === undefined) return free.size;
  let count = 0;
  for (const worker of free) if (set.has(worker)) count += 1;
  return count;
}

export function totalSlots(state: JobState, set?: WorkerSet): number {
  let slots = 0;
  for (const agent of state.agents.values()) slots += slotsOf(agent, set);
  return slots;
}

/** Who performs the tasks of an execution: what was lost of one that is done may be computed anywhere when its workers are gone. */
export function setOf(state: JobState, { workers, status }: Execution): WorkerSet {
  if (workers === undefined) return undefined;
  return status.kind === "recovering" && totalSlots(state, workers) === 0 ? undefined : workers;
}

/** Attempts on an agent that workers of the set may perform, and so be kept by. */
export function loadOf(agent: Agent, set: WorkerSet): number {
  if (set === undefined) return agent.running.size;
  let load = 0;
  for (const { workers } of agent.running) {
    if (agent.workers?.some((worker) => set.has(worker) && isIn(worker, workers))) load += 1;
  }
  return load;
}

/** Gives an agent these workers; attempts of those that it had before keep their seats. */
export function seatWorkers(agent: Agent, slots: number, workers: readonly number[] | undefined): void {
  agent.slots = slots;
  agent.mostSlots = Math.max(agent.mostSlots, slots);
  agent.workers = workers;
  agent.free.clear();
  for (const worker of workers ?? []) {
    if (agent.seats.has(worker)) continue;
    agent.free.add(worker);
    offer(agent, worker);
  }
}

/** Has an attempt hold a slot of the agent: the seat of a worker of its set, or none while there is none free. */
export function seat(agent: Agent, attempt: Attempt): void {
  agent.running.add(attempt);
  if (agent.workers !== undefined) place(agent, attempt);
}

function place(agent: Agent, attempt: Attempt): void {
  for (const worker of agent.free) {
    if (isIn(worker, attempt.workers)) {
      sit(agent, attempt, worker);
      return;
    }
  }
  agent.unseated.add(attempt);
}

/** A worker has taken the attempt: whoever had its seat goes where the attempt was, or waits. */
export function seatAt(agent: Agent, attempt: Attempt, worker: number): void {
  if (agent.workers === undefined || attempt.seat === worker) return;
  // One that was left of a start that was given up: the job does not count on it.
  if (!agent.workers.includes(worker)) return;
  const other = agent.seats.get(worker);
  const before = attempt.seat;
  if (before !== undefined) leave(agent, attempt, before);
  if (other !== undefined) leave(agent, other, worker);
  sit(agent, attempt, worker);
  if (other !== undefined) place(agent, other);
  if (before !== undefined) offer(agent, before);
}

/** Takes the slot back that an attempt held. */
export function unseat(agent: Agent, attempt: Attempt): void {
  agent.running.delete(attempt);
  agent.unseated.delete(attempt);
  const { seat: worker } = attempt;
  if (worker === undefined) return;
  leave(agent, attempt, worker);
  offer(agent, worker);
}

function sit(agent: Agent, attempt: Attempt, worker: number): void {
  agent.unseated.delete(attempt);
  agent.free.delete(worker);
  agent.seats.set(worker, attempt);
  agent.promisedBytes += attempt.memoryBytes;
  attempt.seat = worker;
}

function leave(agent: Agent, attempt: Attempt, worker: number): void {
  attempt.seat = undefined;
  agent.seats.delete(worker);
  agent.promisedBytes -= attempt.memoryBytes;
  // It may have gone from the agent meanwhile.
  if (agent.workers?.includes(worker)) agent.free.add(worker);
}

/** Gives a free seat to the first attempt that waits for one. */
function offer(agent: Agent, worker: number): void {
  if (!agent.free.has(worker)) return;
  for (const attempt of agent.unseated) {
    if (isIn(worker, attempt.workers)) {
      sit(agent, attempt, worker);
      return;
    }
  }
}

export function freestAgent(state: JobState, avoid: string | undefined, set: WorkerSet): Agent | undefined {
  let best: Agent | undefined;
  let bestFree = 0;
  for (const agent of state.agents.values()) {
    const free = freeSlotsOf(agent, set);
    if (free === 0) continue;
    if (best === undefined || best.id === avoid || (free > bestFree && agent.id !== avoid)) {
      best = agent;
      bestFree = free;
    }
  }
  return best;
}
