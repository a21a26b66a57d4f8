/**
 * How long a task waits before it is tried again: the first time not at all, then longer each time, up to a bound.
 *
 * What is tried too often has ended by then: attempts and losses are counted elsewhere.
 */
import type { Task } from "../execution_state.ts";
import type { Turn } from "../turn.ts";

const MAX_REST_MS = 10_000;

/** Has a task wait that went wrong more than once since it was last committed; call before it is woken. */
export function rest(turn: Turn, task: Task): void {
  const { backoffMs = 0 } = turn.state.options;
  const times = task.failures + task.losses - 1;
  if (backoffMs === 0 || times < 1) return;
  task.restsUntil = turn.now + Math.min(MAX_REST_MS, backoffMs * 2 ** (times - 1));
  turn.state.resting.add(task);
}

export function isResting(turn: Turn, task: Task): boolean {
  return task.restsUntil > turn.now;
}

/** Takes the tasks that have rested for long enough. */
export function takeRested(turn: Turn): Task[] {
  const rested: Task[] = [];
  for (const task of turn.state.resting) if (!isResting(turn, task)) rested.push(task);
  for (const task of rested) turn.state.resting.delete(task);
  return rested;
}
