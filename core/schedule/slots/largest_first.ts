/**
 * Has the tasks with much more to read than most start first, so that nobody waits for one that started last.
 *
 * For what cannot be divided: compressed files, the rows of one key of a group. What is about equal keeps its order.
 */

import { typicalBytes } from "../../plan/shares.ts";
import { splitBytes } from "../../plan/split_bytes.ts";
import type { Group } from "../execution_state.ts";
import { areInputsCommitted } from "../shards/inputs.ts";
import { bytesOfShards } from "./divide.ts";

/** Tasks with more than so many times what most read go first. */
const MUCH = 1.5;
/** It does not matter when less is read last. */
const MIN_BYTES = 2 ** 20;

/** Orders the tasks of a group of which none was ready yet. */
export function orderTasks(group: Group): void {
  if (group.isPipelined || group.isFollowed || group.starts !== undefined) return;
  const bytes = bytesOfTasks(group);
  if (bytes === undefined) return;
  const much = MUCH * typicalBytes(bytes, MIN_BYTES);
  const first = [...bytes.keys()].filter((task) => bytes[task] > much).sort((a, b) => bytes[b] - bytes[a]);
  if (first.length === 0) return;
  const isFirst = new Set(first);
  group.ready.begin([...first, ...[...bytes.keys()].filter((task) => !isFirst.has(task))]);
}

/** What each task reads, where that is known. */
export function bytesOfTasks(group: Group): Float64Array | undefined {
  const { head } = group.plan;
  if (head.kind === "source") return Float64Array.from(head.splits, splitBytes);
  const isExchange = group.edges.some(({ edge }) => edge.mode === "partition");
  return isExchange && group.tasks.every(areInputsCommitted) ? bytesOfShards(group) : undefined;
}
