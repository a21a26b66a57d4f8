/**
 * One turn of the scheduler: the event's time, the commands so far, and what is
 * left to do before the turn ends.
 *
 * Failures and releases are collected and handled at the end, so that code deep
 * inside a change never ends an execution under its own feet.
 */

import type { WireError } from "../errors.ts";
import type { Attempt, Execution, Task } from "./execution_state.ts";
import type { JobCommand, JobState } from "./job_state.ts";
import { unseat } from "./slots/slots.ts";
import { moveTask } from "./transitions.ts";

/** Warnings of one execution that are told; the rest is in its stages' attempt counts. */
const MAX_WARNINGS = 20;

export interface Turn {
  readonly state: JobState;
  readonly now: number;
  readonly commands: JobCommand[];
  /** Executions that cannot go on, with the first cause. */
  readonly failures: { readonly execution: Execution; readonly error: WireError }[];
  /** Executions to look at: they may be complete, or nobody may need them. */
  readonly touched: Set<Execution>;
  /** Tasks that were set back and have a copy by now: what they read may be of no use to anybody. */
  readonly unread: Set<Task>;
  /** Attempts whose shards are to be deleted, by agent. */
  readonly releases: Map<string, string[]>;
}

export function beginTurn(state: JobState, now: number): Turn {
  return {
    state,
    now,
    commands: [],
    failures: [],
    touched: new Set(),
    unread: new Set(),
    releases: new Map(),
  };
}

/** Has a shard deleted, unless its agent is gone with it. */
export function releaseShard(turn: Turn, agent: string, attempt: string): void {
  if (!turn.state.agents.has(agent)) return;
  const attempts = turn.releases.get(agent);
  if (attempts === undefined) turn.releases.set(agent, [attempt]);
  else attempts.push(attempt);
}

export function warn(turn: Turn, execution: Execution, text: string): void {
  execution.warnings += 1;
  if (execution.warnings > MAX_WARNINGS) return;
  turn.commands.push({ kind: "warning", execution: execution.id, text });
}

/** Has a task that was queued or that ran wait again. One of which a copy was made meanwhile is brought, and reads nothing. */
export function setBack(turn: Turn, task: Task): void {
  moveTask(task, { kind: "waiting" }, turn.now);
  if (task.keep.isKept) turn.unread.add(task);
}

/** Takes the slot back that an attempt held. */
export function freeSlot(turn: Turn, attempt: Attempt): void {
  const { execution } = attempt.task.group;
  const agent = turn.state.agents.get(attempt.agent);
  if (agent !== undefined) unseat(agent, attempt);
  execution.running.delete(attempt);
  turn.touched.add(execution);
}

/** Ends an attempt that does not count any more and gives its slot back. */
export function dropAttempt(turn: Turn, attempt: Attempt): void {
  freeSlot(turn, attempt);
  turn.state.attempts.delete(attempt.id);
}
