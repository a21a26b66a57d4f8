/**
 * What follows from the life of an attempt: it started, committed, failed or was
 * lost. Decides whether a task is tried again.
 *
 * Events of attempts that do not count any more are ignored, but for the slot they
 * held and the shard they left.
 */
import { LucioleError, toWireError, type WireError } from "../../errors.ts";
import type { Attempt, Group, Task } from "../execution_state.ts";
import type { AttemptEvent } from "../job_state.ts";
import type { AttemptResult } from "../report.ts";
import { copyShard } from "../shards/copies.ts";
import { cancelAttempt, goesOnAsGang, releaseIfUnneeded, releaseInputs } from "../shards/lifetime.ts";
import { regather, restartFollowers } from "../shards/revival.ts";
import { wake, wakeReaders } from "../shards/waking.ts";
import { dividesEdge } from "../slots/divide.ts";
import { seatAt, slotsOf } from "../slots/slots.ts";
import { countCommit, skewWarning } from "../totals.ts";
import { moveAttempt, moveTask } from "../transitions.ts";
import { dropAttempt, freeSlot, releaseShard, setBack, type Turn, warn } from "../turn.ts";
import { notePace } from "./ahead.ts";
import { rest } from "./resting.ts";
import { noteDuration } from "./speculation.ts";
import { isOutOfReach, loseDamaged, loseOutOfReach } from "./unreachable.ts";

/** Trying again cannot help, unless the error says so itself; also as the cause of another error. */
const FINAL_CODES = new Set([
  "plan",
  "plan-mismatch",
  "not-serialisable",
  "cancelled",
  "flow-unknown",
  "malformed-input",
  "input-missing",
  "input-unreadable",
  "output-exists",
  "output-unwritable",
  "worker-start",
  "collective-mismatch",
  "collective-timeout",
  "member-returned",
]);
/** Errors of user code, which only their message tells apart. */
const OPEN_CODES = new Set(["task", "unknown"]);

export function onAttemptEvent(turn: Turn, event: AttemptEvent): void {
  const attempt = turn.state.attempts.get(event.attempt);
  if (attempt === undefined || attempt.agent !== event.agent) return;
  const { kind } = attempt.status;
  if (kind === "cancelling") onCancelling(turn, attempt, event);
  else if (kind === "launched" || kind === "running") onRunning(turn, attempt, event);
}

function onRunning(turn: Turn, attempt: Attempt, event: AttemptEvent): void {
  switch (event.kind) {
    case "attemptStarted":
      if (attempt.status.kind === "launched") start(turn, attempt, event.worker);
      return;
    case "attemptProgress":
      attempt.totals = event.totals;
      attempt.task.group.execution.isChanged = true;
      return;
    case "attemptEnded":
      if (event.result.kind === "committed") commit(turn, attempt, event.result);
      else fail(turn, attempt, event.result.error);
      return;
    case "attemptLost":
      loseAttempt(turn, attempt, event.cause, { isDrained: event.isDrained === true });
  }
}

/** It was told to stop: only its slot matters, and the shard if it was too fast to be stopped. */
function onCancelling(turn: Turn, attempt: Attempt, event: AttemptEvent): void {
  if (event.kind === "attemptLost") {
    moveAttempt(attempt, { kind: "lost", cause: event.cause }, turn.now, event.cause);
  } else if (event.kind !== "attemptEnded") {
    return;
  } else if (event.result.kind === "committed") {
    moveAttempt(attempt, { kind: "released" }, turn.now);
    releaseShard(turn, attempt.agent, attempt.id);
  } else {
    moveAttempt(attempt, { kind: "cancelled" }, turn.now);
  }
  dropAttempt(turn, attempt);
}

function start(turn: Turn, attempt: Attempt, worker: number): void {
  moveAttempt(attempt, { kind: "running", worker }, turn.now);
  attempt.startedAt = turn.now;
  const agent = turn.state.agents.get(attempt.agent);
  if (agent !== undefined) seatAt(agent, attempt, worker);
  const { group } = attempt.task;
  if (!attempt.isFollowed) return;
  if (group.isPipelined) turn.state.pipelines.add(group.execution);
  announce(turn, group, true);
}

/** Tells where outputs are. */
export function announce(turn: Turn, group: Group, isFollowedOnly: boolean): void {
  for (const { id, node, isHeld, isFollowed } of group.outputs) {
    if (!isHeld || (isFollowedOnly && !isFollowed)) continue;
    turn.commands.push({ kind: "outputReady", execution: group.execution.id, node, dataset: id });
  }
}

function commit(turn: Turn, attempt: Attempt, result: AttemptResult & { readonly kind: "committed" }): void {
  const { shard, totals, ms } = result;
  const { task } = attempt;
  const { group } = task;
  if (ms !== undefined) notePace(group, ms);
  noteDuration(group, ms ?? turn.now - (attempt.startedAt ?? attempt.launchedAt));
  freeSlot(turn, attempt);
  dropOther(turn, task, attempt);
  attempt.totals = totals;
  moveAttempt(attempt, { kind: "committed" }, turn.now);
  moveTask(task, { kind: "committed", attempt, shard }, turn.now);
  group.execution.isChanged = true;
  if (!task.isRevived) countCommit(task, shard, totals, turn.now);
  if (group.done === group.tasks.length && !task.isRevived) warnOfSkew(turn, group);
  if (task.lastError !== undefined) warnOfFailures(turn, task, task.lastError);
  task.isRevived = false;
  // A gang is done when all of it is: each of its runs commits some.
  if (!isOfGang(task)) task.failures = 0;
  task.losses = 0;
  task.firstLoss = undefined;
  if (group.isCopied) copy(turn, task);
  afterCommit(turn, task);
}

/** Of a gang all at once, when nothing of it can begin again before the others are done. */
function copy(turn: Turn, task: Task): void {
  const { group } = task;
  if (!isOfGang(task)) copyShard(turn, task);
  else if (group.present === group.tasks.length) for (const one of group.tasks) copyShard(turn, one);
}

/** What follows when a shard can be read. */
export function afterCommit(turn: Turn, task: Task): void {
  const { group } = task;
  if (group.present === group.tasks.length) announce(turn, group, false);
  wakeReaders(turn, task);
  releaseInputs(turn, task);
  releaseIfUnneeded(turn, task);
  if (isOfGang(task) && !goesOnAsGang(group)) {
    for (const other of group.tasks) releaseIfUnneeded(turn, other);
  }
}

function isOfGang({ group }: Task): boolean {
  return group.execution.pipeline?.isGang === true;
}

/** The first to commit is the one that counts. */
function dropOther(turn: Turn, task: Task, winner: Attempt): void {
  if (task.copy === undefined || task.status.kind !== "running") return;
  cancelAttempt(turn, task.copy === winner ? task.status.attempt : task.copy);
  task.copy = undefined;
}

/** Only what went well in the end is warned of; else the failure itself is told. */
function warnOfFailures(turn: Turn, task: Task, error: WireError): void {
  const { execution, plan } = task.group;
  const text = `Task ${task.number} of ${plan.label} succeeded only when it was run again, it failed with: ${error.message}`;
  warn(turn, execution, text);
  task.firstError = undefined;
  task.lastError = undefined;
}

function warnOfSkew(turn: Turn, group: Group): void {
  const readers = [...group.consumers];
  if (readers.length > 0 && readers.every((reader) => dividesEdge(reader.group, reader.edge))) return;
  const text = skewWarning(group);
  if (text !== undefined) warn(turn, group.execution, text);
}

function fail(turn: Turn, attempt: Attempt, error: WireError): void {
  const { task } = attempt;
  const { execution } = task.group;
  moveAttempt(attempt, { kind: "failed", error }, turn.now, error.message);
  const isLeft = leave(turn, attempt);
  if (error.code === "shard-lost") {
    const lost = turn.state.attempts.get(String(error.fields.attempt));
    if (lost?.status.kind === "committed") loseRead(turn, attempt, lost, error);
    if (isLeft) countLoss(turn, task, { cause: error.message, error });
  } else if (error.code === "worker-start" && canDoWithout(turn, attempt, error)) {
    if (isLeft) countLoss(turn, task, { cause: error.message, error });
  } else {
    const maxAttempts = execution.maxAttempts ?? turn.state.options.maxAttempts;
    // The others of a gang wait, or went on with what it told them: its code fails for all of them.
    const isUsers = isOfGang(task) && OPEN_CODES.has(error.code);
    const final = isUsers ? error : finalFailure(task, error, maxAttempts, isLeft);
    task.failures += 1;
    task.firstError ??= error;
    task.lastError = error;
    if (final !== undefined) {
      const fields = { ...final.fields, group: task.group.plan.id, task: task.number };
      turn.failures.push({ execution, error: { ...final, fields } });
      return;
    }
  }
  retry(turn, task);
}

/** A reader found a shard that is not there, not whole or not to be reached. */
function loseRead(turn: Turn, reader: Attempt, lost: Attempt, error: WireError): void {
  if (isOutOfReach(error)) loseOutOfReach(turn, reader, lost, error);
  else loseDamaged(turn, reader, lost, error);
}

/** A machine on which the program does not start gets no tasks any more, unless it is the only one. */
function canDoWithout(turn: Turn, attempt: Attempt, error: WireError): boolean {
  const { agents } = turn.state;
  const agent = agents.get(attempt.agent);
  const { workers } = attempt.task.group.execution;
  const hasOther = [...agents.values()].some((other) => other !== agent && slotsOf(other, workers) > 0);
  if (agent === undefined || !hasOther) return false;
  if (!agent.isBroken) {
    const text = `agent ${agent.id} gets no tasks any more: ${error.message}`;
    warn(turn, attempt.task.group.execution, text);
  }
  agent.isBroken = true;
  return true;
}

/**
 * What is told when the task is not tried again; undefined when it is.
 *
 * @param isLeft Nothing else runs of the task. What another attempt does, on another machine, may go well yet.
 */
function finalFailure(
  task: Task,
  error: WireError,
  maxAttempts: number,
  isLeft: boolean,
): WireError | undefined {
  const last = task.lastError;
  // What fails the same again will fail so a third time.
  const isSame = last?.code === error.code && (last.message === error.message || !OPEN_CODES.has(error.code));
  if (!error.retryable && (isSame || (isLeft && isFinal(error)))) return error;
  // Of failures that differ the later ones may have followed from the first.
  return task.failures + 1 >= maxAttempts ? (task.firstError ?? error) : undefined;
}

function isFinal(error: WireError): boolean {
  return FINAL_CODES.has(error.code) || (error.cause !== undefined && isFinal(error.cause));
}

/** @param how Whether people know the cause already, and whether its worker was taken away, which does not count. */
export function loseAttempt(
  turn: Turn,
  attempt: Attempt,
  cause: string,
  { isTold = false, isDrained = false }: { readonly isTold?: boolean; readonly isDrained?: boolean } = {},
): void {
  moveAttempt(attempt, { kind: "lost", cause }, turn.now, cause);
  const { task } = attempt;
  const isOwn = task.status.kind === "running" && task.status.attempt === attempt;
  if (!isOwn && task.copy !== attempt) {
    dropAttempt(turn, attempt);
  } else if (leave(turn, attempt)) {
    if (!isDrained) countLoss(turn, task, { cause, isTold });
    retry(turn, task);
  }
}

/**
 * Takes a running attempt off its task; whoever read what it wrote must read it anew.
 *
 * @returns Whether nothing else runs of the task.
 */
function leave(turn: Turn, attempt: Attempt): boolean {
  const { task } = attempt;
  const { copy } = task;
  dropAttempt(turn, attempt);
  task.avoid = attempt.agent;
  task.copy = undefined;
  if (attempt.isFollowed) restartFollowers(turn, attempt);
  if (copy === attempt) return false;
  if (copy === undefined) setBack(turn, task);
  else moveTask(task, { kind: "running", attempt: copy }, turn.now);
  return copy === undefined;
}

function retry(turn: Turn, task: Task): void {
  regather(turn, task);
  if (task.status.kind === "waiting") rest(turn, task);
  wake(turn, task);
}

interface Loss {
  readonly cause: string;
  /** What a reader met. */
  readonly error?: WireError;
  /** People know of it already. */
  readonly isTold?: boolean;
}

function countLoss(turn: Turn, task: Task, { cause, error, isTold }: Loss): void {
  const { execution, plan } = task.group;
  task.losses += 1;
  task.firstLoss ??= cause;
  if (task.losses < turn.state.options.maxLosses) {
    const text = `Task ${task.number} of ${plan.label} was lost and is run again: ${cause}`;
    if (task.losses === 1 && isTold !== true) warn(turn, execution, text);
    return;
  }
  const message = `Cannot run task ${task.number} of ${plan.label}: it was lost ${task.losses} times in a row, first: ${task.firstLoss}`;
  const fields = { execution: execution.id, group: plan.id, task: task.number };
  const lost = toWireError(new LucioleError("task-lost", message, { fields }));
  turn.failures.push({ execution, error: error === undefined ? lost : { ...lost, cause: error } });
}
