/**
 * The scheduler of one job: takes what happened and the time, changes the state,
 * and returns what is to be done, in order.
 *
 * Sans-I/O: it has no clock, no transport and no randomness of its own.
 */
import {
  fromWireError,
  LucioleError,
  NotEnoughResourcesError,
  toWireError,
  type WireError,
} from "../errors.ts";
import type { ShardPiece } from "../plan/physical.ts";
import { announce, loseAttempt, onAttemptEvent } from "./attempt_events.ts";
import { canEverFit, copyStragglers, dispatch, failForSlots } from "./dispatch.ts";
import {
  type Channel,
  createAgent,
  type Execution,
  type Group,
  type OutputDataset,
  type Task,
} from "./execution_state.ts";
import { fail, finish, onPublished, progressOf, settle, submit } from "./executions.ts";
import { holdOutput, onKept, onRestored, onRestoreFailed } from "./from_copies.ts";
import { followable } from "./inputs.ts";
import { checkAttempts, checkExecution, checkSlots } from "./invariants.ts";
import type { JobCommand, JobEvent, JobState, LocatedPiece } from "./job_state.ts";
import { channelError, failReaders, loseShard, releaseChannel, releaseIfUnneeded, wake } from "./lifetime.ts";
import type { PartitionReport } from "./report.ts";
import { takeRested } from "./resting.ts";
import { seatWorkers, setOf, totalSlots } from "./slots.ts";
import { shardSize } from "./totals.ts";
import { isActive, moveChannel } from "./transitions.ts";
import { beginTurn, releaseShard, type Turn } from "./turn.ts";

/** A failed execution waits this long for its attempts to stop. */
const ENDING_MS = 5_000;
/** A pipeline that does not fit any more waits this long for new slots. */
const STUCK_MS = 30_000;
/** A job without any slot waits this long for an agent. */
const SLOTLESS_MS = 60_000;
/** An execution waits so long for others in the place of workers that do not come back. */
const GONE_MS = 5_000;

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
  const isAny = turn.failures.length > 0 || turn.touched.size > 0;
  while (turn.failures.length > 0 || turn.touched.size > 0) {
    for (let next = turn.failures.shift(); next !== undefined; next = turn.failures.shift()) {
      fail(turn, next.execution, { kind: "failed", error: next.error });
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

/**
 * Tells what can be read of a dataset now: committed shards, and followed ones that are being written.
 *
 * @param only The number of the one shard that is asked for.
 * @throws {LucioleError} If the dataset was released or cannot be computed again.
 */
export function datasetPieces(state: JobState, dataset: string, only?: number): readonly LocatedPiece[] {
  const found = openDataset(state, dataset);
  const shards = "attempt" in found ? 1 : found.group.tasks.length;
  const pieces: LocatedPiece[] = [];
  for (let shard = only ?? 0; shard < Math.min(shards, (only ?? shards) + 1); shard++) {
    const piece = pieceOf(found, shard);
    if (piece !== undefined) pieces.push({ shard, piece });
  }
  return pieces;
}

function pieceOf(found: Channel | OutputDataset, shard: number): ShardPiece | undefined {
  if ("attempt" in found) {
    const { agent, attempt, status } = found;
    return shard === 0 ? { agent, attempt, partition: -1, isCommitted: status === "closed" } : undefined;
  }
  const task = found.group.tasks.at(shard);
  if (task === undefined) return undefined;
  const isCommitted = task.status.kind === "committed";
  const attempt = task.status.kind === "committed" ? task.status.attempt : followable(task);
  return attempt && { agent: attempt.agent, attempt: attempt.id, partition: -1, isCommitted };
}

/** Rows and bytes of each shard of a complete dataset; zeros for shards that are not committed now. */
export function datasetSizes(state: JobState, dataset: string): readonly PartSize[] {
  const found = openDataset(state, dataset);
  if ("attempt" in found) return [{ rows: found.rows, bytes: found.bytes }];
  const sizes = Array.from({ length: found.group.plan.tasks }, () => ({ rows: 0, bytes: 0 }));
  for (const task of found.group.tasks) {
    const { rows, bytes } = sizeOf(task);
    sizes[task.shard].rows += rows;
    sizes[task.shard].bytes += bytes;
  }
  return sizes;
}

/** The same of each part: a shard that was divided has several. */
export function datasetPartSizes(state: JobState, dataset: string): readonly PartSize[] {
  const found = openDataset(state, dataset);
  return "attempt" in found ? [{ rows: found.rows, bytes: found.bytes }] : found.group.tasks.map(sizeOf);
}

/** True while shards of a dataset that was whole are computed again. */
export function isRecovering(state: JobState, dataset: string): boolean {
  const group = state.outputs.get(dataset)?.group;
  return group?.execution.status.kind === "recovering" && group.present < group.tasks.length;
}

type PartSize = Pick<PartitionReport, "rows" | "bytes">;

/** True when the order of the dataset's shards means something: its rows were sorted before. */
export function isDatasetOrdered(state: JobState, dataset: string): boolean {
  const found = openDataset(state, dataset);
  return !("attempt" in found) && isOrdered(found.group);
}

function isOrdered({ plan, edges }: Group): boolean {
  if (plan.head.kind === "merge") return true;
  if (plan.head.kind !== "read") return false;
  return edges.some(
    ({ producer, isSide }) => !isSide && producer.kind === "group" && isOrderedStore(producer),
  );
}

/** An exchange mixes what was in order. */
function isOrderedStore(group: Group): boolean {
  return group.plan.tail.kind === "store" && isOrdered(group);
}

function sizeOf(task: Task): PartSize {
  return task.status.kind === "committed" ? shardSize(task.status.shard) : { rows: 0, bytes: 0 };
}

function openDataset(state: JobState, dataset: string): Channel | OutputDataset {
  const found = state.outputs.get(dataset) ?? state.channels.get(dataset);
  if (found === undefined || !found.isHeld) {
    throw new LucioleError("dataset-missing", `Reading dataset ${dataset}: it was released or never made`);
  }
  if ("group" in found && found.group.execution.status.kind === "broken") {
    throw fromWireError(found.group.execution.status.error);
  }
  return found;
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

type DatasetEvent = Exclude<Extract<JobEvent, { kind: `dataset${string}` }>, { kind: "datasetHeld" }>;

function onDatasetEvent(turn: Turn, event: DatasetEvent): void {
  const { state } = turn;
  const { dataset: id } = event;
  if (event.kind === "datasetOpened") {
    if (state.channels.has(id)) throw new RangeError(`Cannot open dataset ${id}: the id is in use`);
    state.channels.set(id, openChannel(id, event.agent, event.attempt));
    return;
  }
  const channel = state.channels.get(id);
  if (event.kind === "datasetClosed") {
    if (channel?.status === "open") closeChannel(turn, channel, event.rows, event.bytes);
  } else if (event.kind === "datasetFailed") {
    if (channel?.status === "open") failChannel(turn, channel, event.error);
  } else if (event.kind === "datasetReleased") {
    if (channel !== undefined) {
      channel.isHeld = false;
      releaseChannel(turn, channel);
    }
    releaseOutput(turn, state.outputs.get(id));
  } else {
    followOutput(turn, state.outputs.get(id));
  }
}

function openChannel(id: string, agent: string, attempt: string): Channel {
  return {
    kind: "channel",
    id,
    agent,
    attempt,
    status: "open",
    failure: undefined,
    isHeld: true,
    rows: 0,
    bytes: 0,
    consumers: new Set(),
    history: [],
  };
}

function closeChannel(turn: Turn, channel: Channel, rows: number, bytes: number): void {
  moveChannel(channel, "closed", turn.now);
  channel.rows = rows;
  channel.bytes = bytes;
  for (const { group } of channel.consumers) for (const task of group.tasks) wake(turn, task);
  releaseChannel(turn, channel);
}

function failChannel(turn: Turn, channel: Channel, error: WireError): void {
  moveChannel(channel, "lost", turn.now);
  channel.failure = error;
  failReaders(turn, channel, error);
  releaseShard(turn, channel.agent, channel.attempt);
}

function releaseOutput(turn: Turn, output: OutputDataset | undefined): void {
  if (output === undefined || !output.isHeld) return;
  output.isHeld = false;
  turn.state.outputs.delete(output.id);
  for (const task of output.group.tasks) releaseIfUnneeded(turn, task);
  turn.touched.add(output.group.execution);
}

/** Attempts that run already cannot be followed any more: their readers get them when they are committed. */
function followOutput(turn: Turn, output: OutputDataset | undefined): void {
  if (output === undefined) return;
  output.isFollowed = true;
  output.group.isFollowed = true;
  if (output.group.present === output.group.tasks.length) announce(turn, output.group, true);
}

function onTick(turn: Turn): void {
  const { state, now } = turn;
  for (const task of takeRested(turn)) wake(turn, task);
  for (const execution of state.live) {
    const { status } = execution;
    if (status.kind === "ending" && now - status.since >= ENDING_MS && !status.isPublishing) {
      finish(turn, execution, status.outcome);
    } else if (isActive(execution)) {
      watchSlots(turn, execution);
      if (execution.isChanged) turn.commands.push(progressOf(execution));
      execution.isChanged = false;
    }
  }
  for (const execution of state.pipelines) watchPipeline(turn, execution);
}

/** Fails what has had no worker for too long. */
function watchSlots({ state, now, failures }: Turn, execution: Execution): void {
  const workers = setOf(state, execution);
  const isSlotless = totalSlots(state, workers) === 0 && execution.undone > 0;
  execution.slotlessSince = isSlotless ? (execution.slotlessSince ?? now) : undefined;
  const { slotlessSince, running } = execution;
  // What workers that leave still perform may be the last of it.
  const isGone = workers !== undefined && running.size === 0 && totalSlots(state) > 0;
  if (slotlessSince === undefined || now - slotlessSince < (isGone ? GONE_MS : SLOTLESS_MS)) return;
  const why = isGone
    ? `its workers ${[...workers].join(", ")} are gone`
    : `the job has had no worker for ${SLOTLESS_MS / 1000} s`;
  const message = `Running execution ${execution.id}: ${why}`;
  failures.push({ execution, error: toWireError(new NotEnoughResourcesError(message)) });
}

/** Slots may have gone since the pipeline got them; new ones may come, or it can never go on. */
function watchPipeline(turn: Turn, execution: Execution): void {
  const { pipeline } = execution;
  if (pipeline === undefined || (!pipeline.isGranted && !pipeline.isGang)) return;
  if (canEverFit(turn.state, execution, pipeline)) {
    pipeline.stuckSince = undefined;
    return;
  }
  pipeline.stuckSince ??= turn.now;
  if (turn.now - pipeline.stuckSince >= STUCK_MS) failForSlots(turn, execution, pipeline);
}
