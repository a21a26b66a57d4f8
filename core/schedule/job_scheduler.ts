/**
 * The scheduler of one job: takes what happened and the time, changes the state,
 * and returns what is to be done, in order.
 *
 * Sans-I/O: it has no clock, no transport and no randomness of its own.
 */

import { createAgent } from "./agent_state.ts";
import { loseAttempt, onAttemptEvent } from "./attempts/attempt_events.ts";
import { channelError, failReaders } from "./attempts/failed_readers.ts";
import { fail, onPublished, settle, submit } from "./executions.ts";
import { checkAttempts, checkExecution, checkSlots } from "./invariants.ts";
import type { JobCommand, JobEvent, JobState } from "./job_state.ts";
import { onDatasetEvent } from "./shards/dataset_events.ts";
import { holdOutput, onKept, onRestored, onRestoreFailed } from "./shards/from_copies.ts";
import { releaseInputs } from "./shards/lifetime.ts";
import { loseShard } from "./shards/revival.ts";
import { copyStragglers, dispatch } from "./slots/dispatch.ts";
import { seatWorkers, totalSlots } from "./slots/slots.ts";
import { onTick } from "./ticks.ts";
import { moveChannel } from "./transitions.ts";
import { beginTurn, type Turn } from "./turn.ts";

export function apply(state: JobState, event: JobEvent, now: number): readonly JobCommand[] {
  return applyAll(state, [event], now);
}

/** The same for what happened at once: each event has its effect, then slots are given. */
export function applyAll(state: JobState, events: readonly JobEvent[], now: number): readonly JobCommand[] {
  const turn = beginTurn(state, now);
  for (const event of events) {
    take(turn, event);
    follow(turn);
  }
  do dispatch(turn);
  while (follow(turn));
  if (events.some(({ kind }) => kind === "tick")) copyStragglers(turn);
  for (const [agent, attempts] of turn.releases) turn.commands.push({ kind: "release", agent, attempts });
  return turn.commands;
}

/** Does what is left to do: executions that fail, are complete, or that nobody needs. Tells whether there were any. */
function follow(turn: Turn): boolean {
  const isLeft = (): boolean => turn.failures.length > 0 || turn.unread.size > 0 || turn.touched.size > 0;
  const isAny = isLeft();
  while (isLeft()) {
    for (let next = turn.failures.shift(); next !== undefined; next = turn.failures.shift()) {
      fail(turn, next.execution, { kind: "failed", error: next.error });
    }
    for (const task of turn.unread) {
      turn.unread.delete(task);
      if (task.status.kind === "waiting" && task.keep.isKept) releaseInputs(turn, task);
    }
    for (const execution of turn.touched) {
      turn.touched.delete(execution);
      settle(turn, execution);
    }
  }
  return isAny;
}

/** True while something waits for time: whoever feeds events must feed ticks, too, a few times a second. */
export function needsTicks(state: JobState): boolean {
  return state.live.size > 0;
}

/** @throws {InvariantError} If the state contradicts itself, with the story of what it is about. */
export function check(state: JobState): void {
  checkSlots(state);
  checkAttempts(state);
  for (const execution of state.executions.values()) checkExecution(state, execution);
}

function take(turn: Turn, event: JobEvent): void {
  switch (event.kind) {
    case "agentJoined":
      joinAgent(turn, event);
      return;
    case "epochBegan":
      turn.state.epoch = event.epoch;
      turn.state.hosts = new Map(event.workers.map(({ worker, host }) => [worker, host]));
      return;
    case "agentLost":
      loseAgent(turn, event.agent, event.cause);
      return;
    case "executionSubmitted":
      submit(turn, event);
      return;
    case "executionMoved": {
      const execution = turn.state.executions.get(event.execution);
      if (execution !== undefined) execution.workers = new Set(event.workers);
      return;
    }
    case "executionCancelled": {
      const execution = turn.state.executions.get(event.execution);
      if (execution === undefined || execution.status.kind === "recovering") return;
      fail(turn, execution, { kind: "cancelled", error: event.cause });
      return;
    }
    case "shardLost":
      loseRead(turn, event.attempt, event.cause);
      return;
    case "shardRestored":
      onRestored(turn, event);
      return;
    case "restoreFailed":
      onRestoreFailed(turn, event);
      return;
    case "shardKept":
      onKept(turn, event);
      return;
    case "datasetHeld":
      holdOutput(turn, event.dataset);
      return;
    case "datasetOpened":
    case "datasetClosed":
    case "datasetFailed":
    case "datasetReleased":
    case "datasetFollowed":
      onDatasetEvent(turn, event);
      return;
    case "sinksPublished": {
      const execution = turn.state.executions.get(event.execution);
      if (execution !== undefined) onPublished(turn, execution, event.error);
      return;
    }
    case "tick":
      onTick(turn);
      return;
    default:
      onAttemptEvent(turn, event);
      return;
  }
}

function joinAgent(turn: Turn, event: Extract<JobEvent, { kind: "agentJoined" }>): void {
  const { agent: id, slots, workers } = event;
  const agent = turn.state.agents.get(id) ?? createAgent(id);
  turn.state.agents.set(id, agent);
  seatWorkers(agent, slots, workers);
}

/** Everything on the agent is gone: its attempts, its shards, its channels. */
function loseAgent(turn: Turn, id: string, cause: string): void {
  const { state } = turn;
  state.agents.delete(id);
  // With no other one left, those that cannot start workers are to say why.
  if (totalSlots(state) === 0) for (const agent of state.agents.values()) agent.isBroken = false;
  const attempts = [...state.attempts.values()].filter((attempt) => attempt.agent === id);
  for (const attempt of attempts) if (attempt.status.kind === "committed") loseShard(turn, attempt, cause);
  for (const attempt of attempts)
    if (state.attempts.has(attempt.id)) loseAttempt(turn, attempt, cause, { isTold: true });
  for (const channel of state.channels.values()) {
    if (channel.agent !== id || channel.status === "lost") continue;
    moveChannel(channel, "lost", turn.now);
    failReaders(turn, channel, channelError(channel));
  }
}

function loseRead(turn: Turn, id: string, cause: string): void {
  const attempt = turn.state.attempts.get(id);
  if (attempt?.status.kind !== "committed") return;
  // The client may not reach that agent.
  attempt.task.avoid = attempt.agent;
  loseShard(turn, attempt, cause);
}
