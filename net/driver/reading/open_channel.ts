/**
 * Opens a channel of a job: on one of its agents, with the scheduler told of its beginning and its end.
 *
 * What a channel is to programs, and how its rows travel, is in channel.ts.
 */
import { LucioleError, toWireError } from "../../../core/errors.ts";
import type { Executor } from "../executor/executor.ts";
import { type Channel, createChannel } from "./channel.ts";

export interface ChannelParts<T> {
  readonly executor: Executor;
  /** Names the channel's dataset, too. */
  readonly attempt: string;
  readonly source: AsyncIterable<T> | Iterable<T>;
  /** Aborted at the end of the job. */
  readonly signal: AbortSignal;
}

/** @throws {LucioleError} code "agents-lost" when the job has no agent. */
export function openChannel<T>({ executor, attempt, source, signal }: ChannelParts<T>): Channel<T> {
  const [client] = executor.agents;
  if (client === undefined) {
    throw new LucioleError("agents-lost", "Cannot open a channel: the job has no agent any more");
  }
  const opened = client.openChannel(attempt);
  const unread = new AbortController();
  executor.channels.set(attempt, unread);
  executor.feed({ kind: "datasetOpened", dataset: attempt, agent: client.id, attempt });
  return createChannel<T>({
    attempt,
    client,
    source,
    opened,
    signal,
    onClosed: (rows, bytes) => {
      executor.channels.delete(attempt);
      executor.feed({ kind: "datasetClosed", dataset: attempt, rows, bytes });
    },
    onFailed: (error) => {
      executor.channels.delete(attempt);
      executor.feed({ kind: "datasetFailed", dataset: attempt, error: toWireError(error) });
    },
    onUnused: () => executor.feed({ kind: "datasetReleased", dataset: attempt }),
    unread: unread.signal,
  });
}
