/**
 * Has the driver copy the shards of groups that a checkpoint keeps, once all parts of one are committed.
 *
 * A shard stays on its agents until it is copied. It does not know where copies are, nor what becomes of them.
 */
import type { ShardPiece } from "../../plan/physical.ts";
import type { Task } from "../execution_state.ts";
import type { Turn } from "../turn.ts";
import { tasksOfShard } from "./inputs.ts";

export function copyShard(turn: Turn, task: Task): void {
  const { group, shard } = task;
  const parts = tasksOfShard(group, shard);
  if (parts.some(({ keep }) => keep.isCopying || keep.isKept)) return;
  const pieces: ShardPiece[] = [];
  for (const { status } of parts) {
    if (status.kind !== "committed") return;
    const { agent, id } = status.attempt;
    pieces.push({ agent, attempt: id, partition: -1, isCommitted: true });
  }
  for (const part of parts) part.keep.isCopying = true;
  turn.commands.push({ kind: "keep", execution: group.execution.id, group: group.plan.id, shard, pieces });
}
