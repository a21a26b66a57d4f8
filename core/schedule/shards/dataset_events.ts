/**
 * What follows from what the driver does with datasets: a channel opens, closes or
 * fails, and handles are released or followed.
 */
import type { WireError } from "../../errors.ts";
import { announce } from "../attempts/attempt_events.ts";
import { failReaders } from "../attempts/failed_readers.ts";
import type { Channel, OutputDataset } from "../execution_state.ts";
import type { JobEvent } from "../job_state.ts";
import { moveChannel } from "../transitions.ts";
import { releaseShard, type Turn } from "../turn.ts";
import { releaseChannel, releaseIfUnneeded } from "./lifetime.ts";
import { wake } from "./waking.ts";

type DatasetEvent = Exclude<Extract<JobEvent, { kind: `dataset${string}` }>, { kind: "datasetHeld" }>;

export function onDatasetEvent(turn: Turn, event: DatasetEvent): void {
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
