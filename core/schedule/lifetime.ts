/**
 * How long shards live: who still needs one, when it is released, and what is
 * computed again when one that is needed is lost.
 *
 * It moves tasks between waiting, ready, committed and released. It does not
 * launch anything and does not end executions.
 */
import { ShardLostError, toWireError, type WireError } from "../errors.ts";
import { divideShards, isUntouched } from "./divide.ts";
import type { Attempt, Channel, Edge, Execution, Group, Producer, Task } from "./execution_state.ts";
import { areInputsCommitted, isBarrier, partsOf, preferredAgent, tasksOfShard } from "./inputs.ts";
import { orderTasks } from "./largest_first.ts";
import { isResting } from "./resting.ts";
import {
  InvariantError,
  isActive,
  isDone,
  moveAttempt,
  moveChannel,
  moveExecution,
  moveTask,
} from "./transitions.ts";
import { freeSlot, releaseShard, type Turn } from "./turn.ts";

/** Below it a task costs about as much as its work. */
const MIN_SHARE_BYTES = 2 ** 20;

/** True while a handle, a sink or a task that is not done needs the shard. */
export function isNeeded(task: Task): boolean {
  const { group } = task;
  if (isHeld(group) || task.keep.isCopying) return true;
  // What others of a gang do may have to begin again with it.
  if (group.execution.pipeline?.isGang === true && group.done < group.tasks.length) return true;
  for (const { group: reader, edge } of group.consumers) {
    if (reader.done === reader.tasks.length) continue;
    if (!isBarrier(reader, edge)) {
      if (tasksOfShard(reader, edge.offset + task.shard).some(needsInputs)) return true;
    } else if (!reader.hasKept || reader.tasks.some(needsInputs)) {
      return true;
    }
  }
  return false;
}

/** Of what has a copy nothing is computed. */
function needsInputs(task: Task): boolean {
  return !isDone(task) && !task.keep.isKept;
}

function isHeld(group: Group): boolean {
  if (group.plan.tail.kind === "sink") return group.execution.status.kind === "running";
  return group.outputs.some((output) => output.isHeld);
}

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

/** Releases what the task read and nobody else needs; call when it is done. */
export function releaseInputs(turn: Turn, task: Task): void {
  const { group } = task;
  for (const edge of group.edges) {
    const { producer } = edge;
    if (producer.kind === "channel") {
      releaseChannel(turn, producer);
    } else if (!isBarrier(group, edge)) {
      const { from, to } = partsOf(group, edge, task.shard);
      for (let i = from; i < to; i += 1) releaseIfUnneeded(turn, producer.tasks[i]);
    } else if (group.done === group.tasks.length || (group.hasKept && !group.tasks.some(needsInputs))) {
      for (const source of producer.tasks) releaseIfUnneeded(turn, source);
    }
  }
}

export function releaseIfUnneeded(turn: Turn, task: Task): void {
  const { status } = task;
  if (status.kind === "committed") {
    if (!isNeeded(task)) releaseCommitted(turn, task, status.attempt);
  } else if (task.isRevived && !isDone(task) && !isNeeded(task)) {
    dropRevived(turn, task);
  }
}

export function releaseCommitted(turn: Turn, task: Task, attempt: Attempt): void {
  moveAttempt(attempt, { kind: "released" }, turn.now);
  moveTask(task, { kind: "released" }, turn.now);
  turn.state.attempts.delete(attempt.id);
  releaseShard(turn, attempt.agent, attempt.id);
  turn.touched.add(task.group.execution);
}

/** It was being computed again for somebody who did without it. */
function dropRevived(turn: Turn, task: Task): void {
  cancelTask(turn, task);
  moveTask(task, { kind: "released" }, turn.now);
  turn.touched.add(task.group.execution);
  releaseInputs(turn, task);
}

export function releaseChannel(turn: Turn, channel: Channel): void {
  if (channel.isHeld) return;
  for (const { group } of channel.consumers) if (group.done < group.tasks.length) return;
  if (channel.status === "open") {
    // Its writer waits for readers that will never come.
    turn.commands.push({ kind: "channelUnneeded", dataset: channel.id });
    return;
  }
  if (channel.status === "lost") turn.state.channels.delete(channel.id);
  if (channel.status !== "closed") return;
  moveChannel(channel, "released", turn.now);
  turn.state.channels.delete(channel.id);
  releaseShard(turn, channel.agent, channel.attempt);
}

/** Stops what runs of a task. */
export function cancelTask(turn: Turn, task: Task): void {
  if (task.status.kind !== "running") return;
  cancelAttempt(turn, task.status.attempt);
  if (task.copy !== undefined) cancelAttempt(turn, task.copy);
  task.copy = undefined;
}

/** Tells an attempt to stop; it holds its slot until it has. */
export function cancelAttempt(turn: Turn, attempt: Attempt): void {
  moveAttempt(attempt, { kind: "cancelling" }, turn.now);
  if (!turn.state.agents.has(attempt.agent)) return;
  turn.commands.push({ kind: "cancel", agent: attempt.agent, attempt: attempt.id });
}

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
  for (const other of group.tasks) {
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
      moveTask(reader, { kind: "waiting" }, turn.now);
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
    if (!task.keep.isKept) for (const edge of task.group.edges) pushMissing(turn, task, edge, stack);
    pushGang(turn, task, stack);
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

/** Fails the executions that still have to read of a producer that will never be there. */
export function failReaders(turn: Turn, producer: Producer, error: WireError): void {
  const failed = new Set<Execution>();
  for (const { group } of producer.consumers) {
    if (group.done < group.tasks.length && !failed.has(group.execution)) {
      failed.add(group.execution);
      turn.failures.push({ execution: group.execution, error });
    }
  }
}

export function channelError(channel: Channel): WireError {
  if (channel.failure !== undefined) return channel.failure;
  return toWireError(
    new ShardLostError(
      `Reading channel "${channel.id}": its rows on agent ${channel.agent} are ${channel.status}`,
      {
        retryable: false,
        fields: { attempt: channel.attempt, dataset: channel.id },
      },
    ),
  );
}

function lostError(task: Task): WireError {
  const { execution, plan } = task.group;
  if (execution.status.kind === "broken") return execution.status.error;
  return toWireError(
    new ShardLostError(
      `Reading shard ${task.number} of ${plan.label}: it is lost, and its execution ${execution.id} is ${execution.status.kind}`,
      { retryable: false },
    ),
  );
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
        moveTask(task, { kind: "waiting" }, turn.now);
        stack.push(follower);
        wake(turn, task);
      }
    }
  }
}

/** Ends an attempt that does not count any more and gives its slot back. */
export function dropAttempt(turn: Turn, attempt: Attempt): void {
  freeSlot(turn, attempt);
  turn.state.attempts.delete(attempt.id);
}
