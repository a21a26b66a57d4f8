/**
 * What simulated tasks compute, so small that a run is compared with an oracle: the rows of a partition are a number
 * of rows and a sum of them, and every step is linear in both, as an engine's steps are in its rows.
 */
import type { PhysicalPlan, ShardPiece, TaskGroupPlan, TaskInput } from "../../core/plan/physical.ts";
import { headEdges, shardsRead, sideEdges, unionOffsets } from "../../core/plan/pieces.ts";
import { type CompareKeys, chooseSplitters, taskRange } from "../../core/plan/splitters.ts";
import type { ChunkMark } from "../../core/schedule/report.ts";

export interface Rows {
  readonly rows: number;
  readonly sum: number;
  /** By which they are sorted, in a sorted run. */
  readonly key?: number;
}

/** Of each shard of sorted runs. */
const RUNS = 2;
const CHUNKS_OF_RUN = 2;
/** So a chunk may end with the first key of the next one. */
const KEYS_OF_CHUNK = 2;
const KEYS_OF_RUN = CHUNKS_OF_RUN * KEYS_OF_CHUNK;

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

/** What a piece says of a shard. @param input With the range of keys that the task has. */
export function rowsOfPiece(content: Content, piece: ShardPiece, { lower, upper }: TaskInput): Rows {
  const { chunks, partition, excludesLower, includesUpper } = piece;
  if (chunks === undefined) return rowsOf(content, partition);
  const isWithin = ({ key = 0 }: Rows): boolean => {
    const below = lower === undefined ? 1 : COMPARE(key, lower.key);
    const above = upper === undefined ? -1 : COMPARE(key, upper.key);
    return (
      (excludesLower === true ? below > 0 : below >= 0) && (includesUpper === true ? above <= 0 : above < 0)
    );
  };
  const read = content.slice(chunks.from * KEYS_OF_CHUNK, chunks.to * KEYS_OF_CHUNK);
  return read.filter(isWithin).reduce(add, NO_ROWS);
}

/** How the keys of sorted runs are ordered. */
export const COMPARE: CompareKeys = (a, b) => Number(a) - Number(b);

/** What a task tells of the chunks of its runs. */
export function marksOf(content: Content): ChunkMark[] {
  if (isEmpty(content)) return [];
  const firsts = content.filter((_, i) => i % KEYS_OF_CHUNK === 0);
  return firsts.map(({ key }, chunk) => ({ run: Math.floor(chunk / CHUNKS_OF_RUN), firstKey: key }));
}

export function isEmpty(content: Content): boolean {
  return content.every(({ rows, sum }) => rows === 0 && sum === 0);
}

/** What a task makes of its inputs. @param shard That it makes, or a part of it. */
export function compute(
  plan: TaskGroupPlan,
  shard: number,
  inputs: readonly Rows[],
  sides: readonly Rows[],
): Content {
  return computeOf(plan, shard, headOf(plan, shard, inputs), sides);
}

/** The same of what its head gives. */
export function computeOf(plan: TaskGroupPlan, shard: number, head: Rows, sides: readonly Rows[]): Content {
  let { rows, sum } = head;
  if (plan.head.kind === "worker") sum = (sum + Math.imul(shard + 1, 0x85ebca6b)) >>> 0;
  for (const side of sides) sum = (sum + Math.imul(rows, side.sum + 7 * side.rows + 1)) >>> 0;
  sum = (Math.imul(sum, 2 * plan.id + 5) + Math.imul(rows, plan.id)) >>> 0;
  const part = (i: number): Rows => ({ rows, sum: (Math.imul(sum, 2 * i + 3) + Math.imul(rows, i)) >>> 0 });
  if (plan.tail.kind === "runs") {
    return Array.from({ length: RUNS * KEYS_OF_RUN }, (_, i) => ({
      ...part(i),
      key: keyOf(plan.id, shard, i),
    }));
  }
  const partitions = "partitions" in plan.tail ? plan.tail.partitions : 1;
  return Array.from({ length: partitions }, (_, i) => part(i));
}

/** Ascending in each run, some of them equal. */
function keyOf(group: number, shard: number, i: number): number {
  const noise = (Math.imul(group + 1, 0x9e3779b1) ^ Math.imul(7 * shard + i, 0x85ebca6b)) >>> 8;
  return 2 * (i % KEYS_OF_RUN) + (noise % 3);
}

/** What a task has read, as one. */
export function headOf({ head, id }: TaskGroupPlan, shard: number, inputs: readonly Rows[]): Rows {
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
    const ranges = head.map((edge) => (edge.mode === "range" ? splittersOf(from(edge), group.tasks) : []));
    const read = (edge: (typeof head)[number], task: number, offset: number): Rows => {
      const shards = from(edge);
      if (edge.mode === "range") return rowsOfRange(shards, ranges[head.indexOf(edge)], task);
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

function splittersOf(shards: Shards, tasks: number): readonly unknown[] {
  return chooseSplitters(shards.map(marksOf), tasks, COMPARE);
}

function rowsOfRange(shards: Shards, splitters: readonly unknown[], task: number): Rows {
  const { lower, upper } = taskRange(splitters, task);
  const isWithin = ({ key }: Rows): boolean =>
    (lower === undefined || COMPARE(key, lower.key) >= 0) &&
    (upper === undefined || COMPARE(key, upper.key) < 0);
  return shards.flat().filter(isWithin).reduce(add, NO_ROWS);
}
