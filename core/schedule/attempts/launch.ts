/**
 * Orders attempts: gives a task its next try, its place and what it reads, and takes the slot.
 *
 * Where and when a task runs is decided by who calls it.
 */

import type { Agent } from "../agent_state.ts";
import type { Attempt, Task } from "../execution_state.ts";
import { shareOfMemory } from "../memory.ts";
import { inputOf } from "../shards/inputs.ts";
import type { GangStart } from "../slots/gangs.ts";
import { freeSlotsOf, seat } from "../slots/slots.ts";
import type { WorkerSet } from "../slots/worker_sets.ts";
import { moveTask } from "../transitions.ts";
import type { Turn } from "../turn.ts";
import type { TaskOrder } from "./order.ts";

/** An agent, and who may perform an attempt there. */
interface Place {
  readonly agent: Agent;
  readonly workers: WorkerSet;
}

/** Orders the attempt that counts. */
export function launch(turn: Turn, task: Task, place: Place, gang?: GangStart): void {
  const attempt = begin(turn, task, place, gang);
  moveTask(task, { kind: "running", attempt }, turn.now);
}

/** Orders an attempt, which may be a second one beside that which counts. */
export function begin(turn: Turn, task: Task, { agent, workers }: Place, gang?: GangStart): Attempt {
  const { state, now } = turn;
  const { group } = task;
  const { execution, stage } = group;
  const { input, follows } = inputOf(task, gang?.dealt);
  task.launches += 1;
  const id = `${execution.id}-${group.plan.id}-${task.number}-${task.launches}`;
  const isAhead = freeSlotsOf(agent, workers) === 0;
  const memoryBytes = execution.memoryBytes ?? shareOfMemory(state, isAhead);
  const attempt: Attempt = {
    id,
    task,
    agent: agent.id,
    isFollowed: group.isFollowed,
    workers,
    seat: undefined,
    memoryBytes,
    isAhead,
    follows,
    launchedAt: now,
    startedAt: undefined,
    status: { kind: "launched" },
    totals: undefined,
  };
  if (stage.attempts === 0) stage.startedAt = now;
  stage.attempts += 1;
  state.attempts.set(id, attempt);
  seat(agent, attempt);
  execution.running.add(attempt);
  execution.isChanged = true;
  turn.commands.push({
    kind: "launch",
    agent: agent.id,
    order: {
      execution: execution.id,
      attempt: id,
      group: group.plan.id,
      task: task.shard,
      input,
      memoryBytes,
      seed: seedOf(state.options.seed, group.plan.id, task.number),
      isFollowed: group.isFollowed,
      ...boundTo(agent, workers),
      ...(gang && { gang: gang.order }),
    },
  });
  return attempt;
}

/** Those of its own workers that an agent may give the order to; it may have others that the job does not count on. */
function boundTo({ workers }: Agent, set: WorkerSet): Pick<TaskOrder, "workers"> {
  if (set === undefined || workers === undefined) return {};
  return { workers: workers.filter((worker) => set.has(worker)) };
}

/** Depends on the place of the task alone, so that every attempt draws the same sample. */
function seedOf(seed: number, group: number, task: number): number {
  let h = seed >>> 0;
  for (const part of [group, task]) {
    h = Math.imul(h ^ part, 0x9e3779b1);
    h ^= h >>> 15;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
  }
  return h >>> 0;
}
