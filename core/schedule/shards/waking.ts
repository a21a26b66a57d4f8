/**
 * Wakes tasks: one whose inputs are there becomes ready and is queued; of one that
 * has a copy, the copy is asked for instead.
 *
 * It launches nothing.
 */

import { isResting } from "../attempts/resting.ts";
import type { Group, Task } from "../execution_state.ts";
import { divideShards, isUntouched } from "../slots/divide.ts";
import { orderTasks } from "../slots/largest_first.ts";
import { isActive, moveTask } from "../transitions.ts";
import type { Turn } from "../turn.ts";
import { areInputsCommitted, isBarrier, preferredAgent, tasksOfShard } from "./inputs.ts";

/** Below it a task costs about as much as its work. */
const MIN_SHARE_BYTES = 2 ** 20;

/** Queues a waiting task whose inputs are there. Tasks of a pipeline are launched together instead. */
export function wake(turn: Turn, task: Task): void {
  const { group } = task;
  if (task.status.kind !== "waiting" || !isActive(group.execution) || isResting(turn, task)) return;
  if (task.keep.isKept) {
    askForCopy(turn, task);
    return;
  }
  if (group.isPipelined) {
    turn.state.pipelines.add(group.execution);
    return;
  }
  if (!areInputsCommitted(task)) return;
  moveTask(task, { kind: "ready" }, turn.now);
  group.ready.push(task.number, preferredAgent(task, turn.state.agents.size));
  if (group.readyCount === 1) queueGroup(turn, group);
}

function askForCopy(turn: Turn, task: Task): void {
  if (task.keep.isRestoring) return;
  task.keep.isRestoring = true;
  task.launches += 1;
  const { execution, plan } = task.group;
  const attempt = `${execution.id}-${plan.id}-${task.number}-${task.launches}`;
  turn.commands.push({
    kind: "restore",
    execution: execution.id,
    group: plan.id,
    task: task.number,
    attempt,
  });
}

function queueGroup(turn: Turn, group: Group): void {
  const { ready } = turn.state;
  if (ready.includes(group)) return;
  let at = ready.length;
  while (at > 0 && isBefore(group, ready[at - 1])) at -= 1;
  ready.splice(at, 0, group);
}

function isBefore(a: Group, b: Group): boolean {
  if (a.execution.age !== b.execution.age) return a.execution.age < b.execution.age;
  return a.plan.id < b.plan.id;
}

/** Wakes all tasks of a group; the first time that all its inputs are there, its tasks are made for them. */
export function wakeGroup(turn: Turn, group: Group): void {
  if (!group.hasKept && isUntouched(group)) {
    divideShards(group, turn.state.options.minShareBytes ?? MIN_SHARE_BYTES);
    orderTasks(group);
  }
  for (const task of group.tasks) wake(turn, task);
}

/** Wakes the tasks that waited for this shard. */
export function wakeReaders(turn: Turn, task: Task): void {
  const isWhole = task.group.present === task.group.tasks.length;
  for (const { group, edge } of task.group.consumers) {
    if (isBarrier(group, edge)) {
      if (isWhole) wakeGroup(turn, group);
    } else {
      for (const reader of tasksOfShard(group, edge.offset + task.shard)) wake(turn, reader);
    }
  }
}
