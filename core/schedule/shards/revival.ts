/**
 * What is computed again: shards that are needed and were lost, what they were made
 * of, and the tasks that read what does not count any more.
 *
 * It moves tasks back to waiting and wakes them; it launches nothing.
 */

import { channelError, failReaders, lostError } from "../attempts/failed_readers.ts";
import type { Attempt, Edge, Task } from "../execution_state.ts";
import { InvariantError, isActive, moveAttempt, moveExecution, moveTask } from "../transitions.ts";
import { releaseShard, setBack, type Turn } from "../turn.ts";
import { isBarrier, partsOf, tasksOfShard } from "./inputs.ts";
import { cancelTask, isNeeded, releaseCommitted } from "./lifetime.ts";
import { wake } from "./waking.ts";

/** Takes note that a committed shard is gone; computes it again if somebody needs it. */
export function loseShard(turn: Turn, attempt: Attempt, cause: string): void {
  const { task } = attempt;
  if (task.status.kind !== "committed" || task.status.attempt !== attempt) {
    throw new InvariantError(`Losing ${attempt.id}: its task is ${task.status.kind}`, task.history);
  }
  moveAttempt(attempt, { kind: "lost", cause }, turn.now, cause);
  turn.state.attempts.delete(attempt.id);
  releaseShard(turn, attempt.agent, attempt.id);
  moveTask(task, { kind: "released" }, turn.now);
  turn.touched.add(task.group.execution);
  if (isNeeded(task)) revive(turn, task);
}

/** Has the tasks run again that a task reads of and that were released. */
export function requireInputs(turn: Turn, task: Task): void {
  const missing: Task[] = [];
  for (const edge of task.group.edges) pushMissing(turn, task, edge, missing);
  reviveAll(turn, missing);
}

/** Has a released task run again, and before it all released tasks that it reads of. */
export function revive(turn: Turn, first: Task): void {
  reviveAll(turn, [first]);
}

/** A task of a gang has to begin again: so do the others, as what they got of it is of no use. */
export function regather(turn: Turn, task: Task): void {
  const stack: Task[] = [];
  pushGang(turn, task, stack);
  reviveAll(turn, stack);
}

/** Stops the others of its gang; those that were done are to be done again. */
function pushGang(turn: Turn, { group }: Task, stack: Task[]): void {
  const { pipeline } = group.execution;
  if (pipeline?.isGang !== true || !isActive(group.execution)) return;
  pipeline.isGranted = false;
  // Copies are of one run, as what its readers get must be; those of this one would be beside others.
  group.isCopied = false;
  for (const other of group.tasks) {
    other.keep.isKept = false;
    other.keep.isCopying = false;
    if (other.status.kind === "running") {
      cancelTask(turn, other);
      moveTask(other, { kind: "waiting" }, turn.now);
      wake(turn, other);
    } else if (other.status.kind === "committed") {
      restartReaders(turn, other, stack);
      releaseCommitted(turn, other, other.status.attempt);
    }
    if (other.status.kind === "released") stack.push(other);
  }
}

/** What running tasks have read of a shard does not go together with what its gang will give now. */
function restartReaders(turn: Turn, task: Task, stack: Task[]): void {
  for (const { group, edge } of task.group.consumers) {
    const readers = isBarrier(group, edge) ? group.tasks : tasksOfShard(group, edge.offset + task.shard);
    for (const reader of readers) {
      if (reader.status.kind !== "running") continue;
      const { attempt } = reader.status;
      cancelTask(turn, reader);
      setBack(turn, reader);
      if (attempt.isFollowed) restartFollowers(turn, attempt);
      pushGang(turn, reader, stack);
      wake(turn, reader);
    }
  }
}

function reviveAll(turn: Turn, stack: Task[]): void {
  for (let task = stack.pop(); task !== undefined; task = stack.pop()) {
    if (task.status.kind !== "released") continue;
    const { execution } = task.group;
    if (execution.status.kind === "done") moveExecution(execution, { kind: "recovering" }, turn.now);
    if (!isActive(execution)) {
      failReaders(turn, task.group, lostError(task));
      continue;
    }
    task.isRevived = true;
    moveTask(task, { kind: "waiting" }, turn.now);
    execution.isChanged = true;
    if (!task.keep.isKept) {
      for (const edge of task.group.edges) pushMissing(turn, task, edge, stack);
      pushGang(turn, task, stack);
    }
    wake(turn, task);
  }
}

function pushMissing(turn: Turn, task: Task, edge: Edge, stack: Task[]): void {
  const { producer } = edge;
  const isWhole = isBarrier(task.group, edge);
  const { from, to } = isWhole
    ? { from: 0, to: producer.kind === "channel" ? 1 : producer.tasks.length }
    : partsOf(task.group, edge, task.shard);
  if (producer.kind === "channel") {
    const isGone = producer.status === "lost" || producer.status === "released";
    if (isGone && from < to)
      turn.failures.push({ execution: task.group.execution, error: channelError(producer) });
    return;
  }
  if (producer.execution.status.kind === "broken") {
    turn.failures.push({ execution: task.group.execution, error: producer.execution.status.error });
  }
  if (producer.released === 0) return;
  for (let i = from; i < to; i += 1) {
    if (producer.tasks[i].status.kind === "released") stack.push(producer.tasks[i]);
  }
}

/** Restarts the running tasks that read an attempt while it was written, and those that follow them. */
export function restartFollowers(turn: Turn, attempt: Attempt): void {
  const stack: Attempt[] = [attempt];
  for (let gone = stack.pop(); gone !== undefined; gone = stack.pop()) {
    for (const { group } of gone.task.group.consumers) {
      for (const task of group.tasks) {
        if (task.status.kind !== "running" || !task.status.attempt.follows.has(gone.id)) continue;
        const follower = task.status.attempt;
        cancelTask(turn, task);
        setBack(turn, task);
        stack.push(follower);
        wake(turn, task);
      }
    }
  }
}
