/**
 * Runs tasks that take much longer than others of their group a second time, on another agent: whichever attempt
 * commits first counts, and the other one is told to stop.
 *
 * Only with slots that nothing else wants, a few at a time, and never what somebody reads while it is written. It
 * picks stragglers and the agents for their copies; it launches nothing. As in Dean and Ghemawat, "MapReduce" (2004),
 * § 3.6, with the median as Spark has it.
 */

import type { Agent } from "../agent_state.ts";
import type { Attempt, Group, Task } from "../execution_state.ts";
import type { JobState } from "../job_state.ts";
import { areInputsCommitted } from "../shards/inputs.ts";
import { bytesOfTasks } from "../slots/largest_first.ts";
import { freeSlotsOf, setOf, totalSlots } from "../slots/slots.ts";
import { overlap, type WorkerSet } from "../slots/worker_sets.ts";
import { isActive } from "../transitions.ts";

/** A straggler has taken so many times as long as most, */
const FACTOR = 3;
/** and so long at least. */
const LEAST_MS = 1_000;
/** This part of its group must be done, so that it is known what most take. */
const DONE_SHARE = 0.5;
/** Of one task, ever. */
const MAX_COPIES = 2;
/** Copies that run at a time take this part of all slots, or one. */
const SLOT_SHARE = 0.1;
/** Durations of a group that are remembered. */
const MAX_DURATIONS = 64;

export interface Straggler {
  readonly task: Task;
  readonly agent: Agent;
}

/** Takes note how long an attempt took that was committed. */
export function noteDuration(group: Group, ms: number): void {
  const { durations } = group;
  if (durations.length < MAX_DURATIONS) durations.push(ms);
  else durations[group.done % MAX_DURATIONS] = ms;
}

/** The next task to run twice, and where: on a slot that nothing waits for. */
export function nextStraggler(state: JobState, now: number): Straggler | undefined {
  if (state.options.speculates !== true || state.agents.size < 2 || state.pipelines.size > 0)
    return undefined;
  let room = Math.max(1, Math.floor(totalSlots(state) * SLOT_SHARE));
  let found: Straggler | undefined;
  for (const execution of state.live) {
    for (const attempt of execution.running) {
      if (attempt.task.copy === attempt) room -= 1;
      if (found !== undefined || !isActive(execution) || !isStraggler(attempt, now)) continue;
      const set = setOf(state, execution);
      const isContended = state.ready.some(
        (group) => group.readyCount > 0 && overlap(set, group.execution.workers),
      );
      const agent = isContended ? undefined : freeAgentBeside(state, attempt.agent, set);
      if (agent !== undefined) found = { task: attempt.task, agent };
    }
  }
  return room > 0 ? found : undefined;
}

function isStraggler(attempt: Attempt, now: number): boolean {
  const { task, status, isFollowed, isAhead } = attempt;
  const { group } = task;
  // One that was launched beyond the slots waits, unless it was told as started.
  if (status.kind !== "running" && (status.kind !== "launched" || isAhead)) return false;
  if (isFollowed || group.isFollowed || group.isPipelined) return false;
  if (task.status.kind !== "running" || task.status.attempt !== attempt) return false;
  if (task.copy !== undefined || task.copies >= MAX_COPIES) return false;
  const elapsed = now - (attempt.startedAt ?? attempt.launchedAt);
  if (elapsed < LEAST_MS || group.done < group.tasks.length * DONE_SHARE) return false;
  if (elapsed < FACTOR * usualMs(group) || !areInputsCommitted(task)) return false;
  return elapsed >= FACTOR * usualMs(group) * sizeOf(task);
}

/** What most tasks of the group took. */
function usualMs({ durations }: Group): number {
  return durations.length === 0 ? Number.POSITIVE_INFINITY : medianOf(Float64Array.from(durations));
}

/** How many times as much as most a task has to read, at least 1. */
function sizeOf({ group, number }: Task): number {
  // Worked out once: of an exchange it takes a look at each partition of each task before.
  group.bytesRead ??= bytesOfTasks(group) ?? new Float64Array(0);
  const typical = medianOf(group.bytesRead);
  return typical > 0 ? Math.max(1, group.bytesRead[number] / typical) : 1;
}

function medianOf(values: Float64Array): number {
  return values.toSorted()[values.length >> 1];
}

function freeAgentBeside(state: JobState, other: string, set: WorkerSet): Agent | undefined {
  let best: Agent | undefined;
  for (const agent of state.agents.values()) {
    const free = freeSlotsOf(agent, set);
    if (agent.id === other || free === 0) continue;
    if (best === undefined || free > freeSlotsOf(best, set)) best = agent;
  }
  return best;
}
