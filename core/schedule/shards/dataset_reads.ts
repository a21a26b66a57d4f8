/**
 * What a driver may ask of a dataset: where its shards can be read now, how large
 * they are, and whether their order means something.
 *
 * Looks at the state of a job and changes nothing of it.
 */
import { fromWireError, LucioleError } from "../../errors.ts";
import type { ShardPiece } from "../../plan/physical.ts";
import type { Channel, Group, OutputDataset, Task } from "../execution_state.ts";
import type { JobState, LocatedPiece } from "../job_state.ts";
import type { PartitionReport } from "../report.ts";
import { shardSize } from "../totals.ts";
import { followable } from "./inputs.ts";

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
