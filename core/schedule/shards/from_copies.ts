/**
 * Executions of an earlier driver: what of them has a copy in the job's checkpoint is brought to the agents when it is
 * needed, instead of being computed; nothing is computed that only leads to it.
 *
 * Where a copy is and how it travels is the driver's business. A copy that cannot be read is as good as none: the
 * shard is computed from what it was made of.
 */
import { afterCommit } from "../attempts/attempt_events.ts";
import type { Attempt, Execution, Group, Task } from "../execution_state.ts";
import type { JobEvent, JobState, SubmittedCheckpoint } from "../job_state.ts";
import { NO_TOTALS } from "../report.ts";
import { moveAttempt, moveExecution, moveTask } from "../transitions.ts";
import { releaseShard, type Turn } from "../turn.ts";
import { tasksOfShard } from "./inputs.ts";
import { isNeeded, isWanted, releaseIfUnneeded } from "./lifetime.ts";
import { regather, requireInputs, revive } from "./revival.ts";
import { wake } from "./waking.ts";

type EventOf<Kind extends JobEvent["kind"]> = Extract<JobEvent, { kind: Kind }>;

/** Takes what is known of an execution before anything of it runs. */
export function beginFromCopies(turn: Turn, execution: Execution, checkpoint: SubmittedCheckpoint): void {
  for (const group of execution.groups) {
    group.isCopied = checkpoint.copied.has(group.plan.id);
    // Who follows a shard needs its rows as they are computed.
    if (group.isPipelined || group.isFollowed) continue;
    markKept(group, checkpoint.kept.get(group.plan.id));
  }
  const isReplayed = checkpoint.held !== undefined;
  if (!isReplayed && !execution.groups.some(({ hasKept }) => hasKept)) return;
  execution.isReplayed = isReplayed;
  if (isReplayed) moveExecution(execution, { kind: "done" }, turn.now);
  // From the last one to the first: whoever reads a shard has been looked at before it.
  for (const group of execution.groups.toReversed()) {
    // What goes nowhere has its effects.
    if (group.plan.tail.kind === "discard" && !isReplayed) continue;
    // Of a gang all are needed, or none: nobody has begun.
    const isGang = execution.pipeline?.isGang === true;
    if (isGang && group.tasks.some(isWanted)) continue;
    for (const task of group.tasks) {
      if (isGang || !isNeeded(task)) moveTask(task, { kind: "released" }, turn.now);
    }
  }
  if (checkpoint.held === undefined || execution.undone === 0) return;
  moveExecution(execution, { kind: "recovering" }, turn.now);
  // What it reads was perhaps released, as parts of executions of which nothing was needed before.
  for (const group of execution.groups) {
    for (const task of group.tasks) if (needsInputs(task)) requireInputs(turn, task);
  }
}

function needsInputs({ status, keep }: Task): boolean {
  return status.kind === "waiting" && !keep.isKept;
}

function markKept(group: Group, kept: ReadonlySet<number> | undefined): void {
  if (kept === undefined || kept.size === 0) return;
  const { head, tasks } = group.plan;
  // Ranges are cut anew: copies of some fit only copies of all others.
  if (head.kind === "merge" && head.input.mode === "range" && kept.size < tasks) return;
  group.hasKept = true;
  for (const task of group.tasks) task.keep.isKept = kept.has(task.shard);
}

/** A copy lies on an agent now. */
export function onRestored(turn: Turn, event: EventOf<"shardRestored">): void {
  const { agent, attempt: id } = event;
  const task = findTask(turn.state, event);
  if (task?.keep.isRestoring) task.keep.isRestoring = false;
  // A gang that began again since is computed.
  if (task?.status.kind !== "waiting" || !task.keep.isKept) {
    releaseShard(turn, agent, id);
    return;
  }
  if (!turn.state.agents.has(agent)) {
    wake(turn, task);
    return;
  }
  const attempt: Attempt = {
    id,
    task,
    agent,
    // It holds no slot.
    workers: undefined,
    seat: undefined,
    isFollowed: false,
    memoryBytes: 0,
    isAhead: false,
    follows: new Set(),
    launchedAt: turn.now,
    startedAt: turn.now,
    status: { kind: "launched" },
    totals: NO_TOTALS,
  };
  turn.state.attempts.set(id, attempt);
  moveTask(task, { kind: "running", attempt }, turn.now);
  moveAttempt(attempt, { kind: "committed" }, turn.now);
  moveTask(task, { kind: "committed", attempt, shard: event.shard }, turn.now);
  task.isRevived = false;
  task.group.execution.isChanged = true;
  turn.touched.add(task.group.execution);
  afterCommit(turn, task);
}

export function onRestoreFailed(turn: Turn, event: EventOf<"restoreFailed">): void {
  const task = findTask(turn.state, event);
  if (task === undefined) return;
  task.keep.isRestoring = false;
  task.keep.isKept = false;
  if (task.status.kind !== "waiting") return;
  if (!isComputable(task)) {
    turn.failures.push({ execution: task.group.execution, error: event.error });
    return;
  }
  requireInputs(turn, task);
  regather(turn, task);
  wake(turn, task);
}

/** False where only the copy was left of what the shard was made of. */
function isComputable({ group: { plan } }: Task): boolean {
  return plan.head.kind !== "read" || plan.head.inputs.length > 0;
}

export function onKept(turn: Turn, event: EventOf<"shardKept">): void {
  const group = findGroup(turn.state, event);
  if (group === undefined) return;
  const parts = tasksOfShard(group, event.shard);
  for (const part of parts) part.keep.isCopying = false;
  if (event.isKept && group.isCopied && group.starts === undefined) {
    group.hasKept = true;
    for (const part of parts) part.keep.isKept = true;
  }
  for (const part of parts) releaseIfUnneeded(turn, part);
  // One that was lost while it was copied will be brought, and needs nothing to be computed from.
  const awaited = parts.filter(({ keep, status }) => keep.isKept && status.kind === "waiting");
  for (const part of awaited) wake(turn, part);
  if (awaited.length > 0) releaseSources(turn, group);
  turn.touched.add(group.execution);
}

function releaseSources(turn: Turn, { edges }: Group): void {
  for (const { producer } of edges) {
    if (producer.kind === "group") for (const source of producer.tasks) releaseIfUnneeded(turn, source);
  }
}

/** Somebody wants an output that nobody held: what is missing of it is brought or computed. */
export function holdOutput(turn: Turn, dataset: string): void {
  const { state } = turn;
  for (const execution of state.executions.values()) {
    const output = execution.outputs.find(({ id }) => id === dataset);
    if (output === undefined || output.isHeld) continue;
    const { kind } = execution.status;
    // Who reads one that could not be had again is told why.
    if (kind !== "done" && kind !== "recovering" && kind !== "broken") continue;
    output.isHeld = true;
    state.outputs.set(dataset, output);
    if (kind === "broken") continue;
    for (const task of output.group.tasks) if (task.status.kind === "released") revive(turn, task);
    turn.touched.add(execution);
  }
}

function findTask(
  state: JobState,
  event: { readonly execution: string; readonly group: number; readonly task: number },
): Task | undefined {
  return findGroup(state, event)?.tasks[event.task];
}

function findGroup(
  state: JobState,
  { execution, group }: { readonly execution: string; readonly group: number },
): Group | undefined {
  return state.executions.get(execution)?.groups.find(({ plan }) => plan.id === group);
}
