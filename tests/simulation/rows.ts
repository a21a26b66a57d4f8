/**
 * What simulated tasks compute, so small that a run is compared with an oracle: the rows of a partition are a number
 * of rows and a sum of them, and every step is linear in both, as an engine's steps are in its rows.
 */
import type { PhysicalPlan, TaskGroupPlan } from "../../core/plan/physical.ts";
import { headEdges, shardsRead, sideEdges, unionOffsets } from "../../core/plan/pieces.ts";

export interface Rows {
  readonly rows: number;
  readonly sum: number;
}

/** The partitions of a shard. */
export type Content = readonly Rows[];

export const NO_ROWS: Rows = { rows: 0, sum: 0 };

export function add(a: Rows, b: Rows): Rows {
  return { rows: (a.rows + b.rows) >>> 0, sum: (a.sum + b.sum) >>> 0 };
}

/** @param partition All of them when it is less than 0. */
export function rowsOf(content: Content, partition: number): Rows {
  return partition < 0 ? content.reduce(add, NO_ROWS) : (content[partition] ?? NO_ROWS);
}

/** What a task makes of its inputs. @param shard That it makes, or a part of it. */
export function compute(
  plan: TaskGroupPlan,
  shard: number,
  inputs: readonly Rows[],
  sides: readonly Rows[],
): Content {
  let { rows, sum } = headOf(plan, shard, inputs);
  for (const side of sides) sum = (sum + Math.imul(rows, side.sum + 7 * side.rows + 1)) >>> 0;
  sum = (Math.imul(sum, 2 * plan.id + 5) + Math.imul(rows, plan.id)) >>> 0;
  const partitions = "partitions" in plan.tail ? plan.tail.partitions : 1;
  return Array.from({ length: partitions }, (_, i) => ({
    rows,
    sum: (Math.imul(sum, 2 * i + 3) + Math.imul(rows, i)) >>> 0,
  }));
}

function headOf({ head, id }: TaskGroupPlan, shard: number, inputs: readonly Rows[]): Rows {
  if (head.kind === "source") return { rows: 3, sum: Math.imul(id + 1, 0x9e3779b1 ^ shard) >>> 0 };
  if (head.kind === "join") {
    const [left, right] = inputs;
    let joined: Rows = {
      rows: Math.imul(left.rows, right.rows) >>> 0,
      sum: Math.imul(left.sum + left.rows, right.sum + 3 * right.rows) >>> 0,
    };
    if (head.how === "left" || head.how === "full") joined = add(joined, left);
    if (head.how === "right" || head.how === "full") joined = add(joined, right);
    return joined;
  }
  let all = NO_ROWS;
  for (const [i, { rows, sum }] of inputs.entries()) all = add(all, { rows, sum: Math.imul(sum, 2 * i + 1) });
  return all;
}

/** Shards of a dataset, or of a group. */
export type Shards = readonly Content[];

/** The shards of every group of a plan, in order. @param datasets Those that it reads. */
export function oracle(plan: PhysicalPlan, datasets: ReadonlyMap<string, Shards>): Shards[] {
  const groups: Shards[] = [];
  for (const group of plan.groups) {
    const head = headEdges(group.head);
    const from = (edge: (typeof head)[number]): Shards =>
      edge.from.kind === "group" ? groups[edge.from.group] : (datasets.get(edge.from.dataset) ?? []);
    const offsets = unionOffsets(head, (edge) => from(edge).length);
    const read = (edge: (typeof head)[number], task: number, offset: number): Rows => {
      const shards = from(edge);
      const range = shardsRead(edge.mode, { task, tasks: group.tasks, offset }, shards.length);
      const partition = edge.mode === "partition" ? task : -1;
      return shards
        .slice(range.from, range.to)
        .map((content) => rowsOf(content, partition))
        .reduce(add, NO_ROWS);
    };
    groups.push(
      Array.from({ length: group.tasks }, (_, task) => {
        const inputs = head.map((edge, i) => read(edge, task, offsets[i]));
        const sides = sideEdges(group).map(({ edge }) => read(edge, task, 0));
        return compute(group, task, inputs, sides);
      }),
    );
  }
  return groups;
}
