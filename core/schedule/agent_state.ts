/**
 * What a job knows of one of its agents: its workers' slots, and who has them.
 *
 * Types and constructor only; slots.ts gives the slots.
 */
import type { Attempt } from "./execution_state.ts";

export interface Agent {
  readonly id: string;
  slots: number;
  /** That it ever had. */
  mostSlots: number;
  /** Workers cannot be started there: what it has can be read, and it gets no tasks. */
  isBroken: boolean;
  /** Attempts that hold a slot of it, or wait there for one. */
  readonly running: Set<Attempt>;
  /** Numbers of its workers, as many as slots; undefined: they have none. */
  workers: readonly number[] | undefined;
  /** Who has the slot of each worker, workers whose slot nobody has, and attempts that wait for one. */
  readonly seats: Map<number, Attempt>;
  readonly free: Set<number>;
  readonly unseated: Set<Attempt>;
  /** Memory of the attempts that have a slot of a worker. */
  promisedBytes: number;
}

export function createAgent(id: string): Agent {
  return {
    id,
    slots: 0,
    mostSlots: 0,
    isBroken: false,
    running: new Set(),
    workers: undefined,
    seats: new Map(),
    free: new Set(),
    unseated: new Set(),
    promisedBytes: 0,
  };
}
