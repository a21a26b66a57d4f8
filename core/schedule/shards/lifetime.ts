/**
 * How long shards live: who still needs one, and when it is released. Stops the
 * attempts at what nobody needs.
 *
 * It does not launch anything and does not end executions.
 */
import type { Attempt, Channel, Group, Task } from "../execution_state.ts";
import { isDone, moveAttempt, moveChannel, moveTask } from "../transitions.ts";
import { releaseShard, type Turn } from "../turn.ts";
import { isBarrier, partsOf, tasksOfShard } from "./inputs.ts";

/** True while somebody wants the shard, or the others of its gang. */
export function isNeeded(task: Task): boolean {
  const { group } = task;
  return isWanted(task) || goesOnAsGang(group);
}

/** What others of a gang do may have to begin again with it, unless nobody wants what they would give. */
export function goesOnAsGang({ execution, tasks }: Group): boolean {
  if (execution.pipeline?.isGang !== true) return false;
  return tasks.some((task) => needsInputs(task) && (!task.isRevived || isWanted(task)));
}

/** True while a handle, a sink or a task that is not done needs the shard, whatever becomes of the others of a gang. */
export function isWanted(task: Task): boolean {
  const { group } = task;
  if (isHeld(group) || task.keep.isCopying) return true;
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

/** Of what has a copy nothing is computed, unless that has begun. */
function needsInputs({ status: { kind }, keep }: Task): boolean {
  return kind === "ready" || kind === "running" || (kind === "waiting" && !keep.isKept);
}

function isHeld(group: Group): boolean {
  if (group.plan.tail.kind === "sink") return group.execution.status.kind === "running";
  return group.outputs.some((output) => output.isHeld);
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
  if (task.group.execution.pipeline?.isGang !== true) return;
  for (const other of task.group.tasks) releaseIfUnneeded(turn, other);
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
