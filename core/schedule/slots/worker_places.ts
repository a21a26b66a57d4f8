/**
 * What the state of a job tells those who choose workers for executions: who is there, and where datasets lie.
 */
import type { WorkerPlace } from "../../connected/graph_places.ts";
import type { JobState } from "../job_state.ts";
import { shardSize } from "../totals.ts";

/** Workers that may be given tasks, by number. */
export function workerPlaces(state: JobState): readonly WorkerPlace[] {
  const places: WorkerPlace[] = [];
  for (const { id, isBroken, workers = [], seats } of state.agents.values()) {
    if (isBroken) continue;
    for (const worker of workers) places.push({ worker, agent: id, isBusy: seats.has(worker) });
  }
  return places.toSorted((a, b) => a.worker - b.worker);
}

/** Bytes of a dataset by agent, as far as they can be read. */
export function datasetBytes(state: JobState, dataset: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const channel = state.channels.get(dataset);
  if (channel !== undefined) found.set(channel.agent, channel.bytes);
  for (const { status } of state.outputs.get(dataset)?.group.tasks ?? []) {
    if (status.kind !== "committed") continue;
    const { agent } = status.attempt;
    found.set(agent, (found.get(agent) ?? 0) + shardSize(status.shard).bytes);
  }
  return found;
}

/** True while an execution reads a channel that is open: its driver decides when it ends. */
export function readsOpenChannel(state: JobState, execution: string): boolean {
  const groups = state.executions.get(execution)?.groups ?? [];
  return groups.some(({ edges }) =>
    edges.some(({ producer }) => producer.kind === "channel" && producer.status === "open"),
  );
}
