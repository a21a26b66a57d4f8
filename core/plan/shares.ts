/**
 * Shares: what each of several tasks does of one shard that is too much work for one of them.
 *
 * Says of which groups, and by which of their inputs, shards may be divided so that the shares, one after the other,
 * hold the rows that one task would have given; and where to cut. It sees sizes and marks, never data or agents. Cuts
 * lie between what two tasks wrote, never within: what a task writes when it is run again may be cut into other chunks.
 */
import type { Head, StepPlan, TaskGroupPlan } from "./physical.ts";
import type { CompareKeys } from "./splitters.ts";

/** A place in sorted runs: after all rows of lower keys, and after those of this key that tasks before `task` wrote. */
export interface Cut {
  readonly key: unknown;
  readonly task: number;
}

export type Share =
  /** Of the input with this place it reads what tasks [from, to) wrote, and all of the others. */
  | { readonly kind: "tasks"; readonly input: number; readonly from: number; readonly to: number }
  /** Of its range it reads what lies between two cuts; a missing one is the end of the range. */
  | { readonly kind: "cuts"; readonly lower?: Cut; readonly upper?: Cut };

/** A shard is divided when it is more than so many times as large as most. */
const SKEW = 2;

/** Steps that see one row at a time, or make what is put together in a later group whatever its parts are. */
const DIVISIBLE_STEPS: ReadonlySet<StepPlan["op"]> = new Set([
  "map",
  "filter",
  "flatMap",
  "tap",
  "mapValues",
  "keyBy",
  "keys",
  "values",
  "words",
  "forEach",
  "toSink",
  "limit",
  "top",
  "broadcastJoin",
]);

/**
 * The places of the inputs by which the shards of a group may be divided, none when they may not.
 *
 * Of a join only the side whose lonely rows are not kept for want of rows in another share. Nothing may depend on
 * seeing all rows of a shard, or on the number of shards.
 */
export function divisibleInputs({
  head,
  steps,
  tail,
  tasks,
  hasDemandedShards,
}: TaskGroupPlan): readonly number[] {
  if (tasks < 2 || !steps.every(isDivisible)) return [];
  // Each task of a sink writes one file.
  if (tail.kind === "sink" && hasDemandedShards === true) return [];
  return inputsOf(head);
}

function isDivisible(step: StepPlan): boolean {
  if (step.op === "combine" || step.op === "fold") return step.phase === "partial";
  return DIVISIBLE_STEPS.has(step.op);
}

function inputsOf(head: Head): readonly number[] {
  switch (head.kind) {
    case "source":
    case "worker":
      return [];
    case "read":
      return head.inputs.length === 1 && head.inputs[0].mode === "partition" ? [0] : [];
    case "merge":
      return head.input.mode === "range" ? [0] : [];
    case "join": {
      const sides = SIDES[head.how];
      return sides.filter((side) => (side === 0 ? head.left : head.right).mode === "partition");
    }
  }
}

const SIDES: Readonly<Record<(Head & { readonly kind: "join" })["how"], readonly number[]>> = {
  inner: [0, 1],
  left: [0],
  right: [1],
  full: [],
  cogroup: [],
};

/** Bytes that most shards have: the median of those that have any, but at least `minBytes`. */
export function typicalBytes(sizes: Float64Array, minBytes: number): number {
  const some = sizes.filter((bytes) => bytes > 0).sort();
  return Math.max(minBytes, some.length === 0 ? 0 : some[(some.length - 1) >> 1]);
}

export interface ShardSizes {
  /** Bytes of the input that is cut, by the task that wrote them. */
  readonly written: Float64Array;
  /** Bytes of the other inputs, which each share reads whole. */
  readonly otherBytes: number;
  /** Place of the input that is cut. */
  readonly input: number;
}

/** Divides one shard, into shares that have about the typical bytes; one when it is not larger than usual. */
export function sharesOfShard({ written, otherBytes, input }: ShardSizes, typical: number): readonly Share[] {
  const bytes = sum(written);
  if (bytes + otherBytes <= SKEW * typical) return [];
  // What all shares read again must not become more than what they divide.
  const count = Math.ceil(bytes / Math.max(typical, otherBytes));
  const bounds = evenBounds(written, bytes, count);
  if (bounds.length < 3) return [];
  return bounds.slice(1).map((to, i): Share => ({ kind: "tasks", input, from: bounds[i], to }));
}

/** Places that part an array of sizes into at most `count` stretches with about the same sum. */
function evenBounds(sizes: Float64Array, total: number, count: number): number[] {
  const bounds = [0];
  const step = total / count;
  let before = 0;
  let wanted = step;
  for (let i = 0; i + 1 < sizes.length && bounds.length < count; i += 1) {
    before += sizes[i];
    if (before === total) break;
    // Nearer to what is wanted than the cut after the next size.
    if (before === 0 || wanted - before > before + sizes[i + 1] - wanted) continue;
    bounds.push(i + 1);
    wanted = Math.max(wanted, before) + step;
  }
  bounds.push(sizes.length);
  return bounds;
}

/** A chunk of a sorted run: its first key, and the task that wrote it. */
export interface RunSample extends Cut {
  readonly bytes: number;
}

/** Sorts samples in the order in which a merge gives their rows. */
export function sortRunSamples(samples: RunSample[], compare: CompareKeys): void {
  samples.sort((a, b) => compare(a.key, b.key) || a.task - b.task);
}

/**
 * Divides one range of a sort.
 *
 * @param samples Those of the range, in order.
 */
export function sharesOfRange(samples: readonly RunSample[], typical: number, compare: CompareKeys): Share[] {
  const bytes = samples.reduce((total, sample) => total + sample.bytes, 0);
  if (bytes <= SKEW * typical) return [];
  const places: Cut[] = [];
  const sizes: number[] = [];
  for (const { key, task, bytes: size } of samples) {
    const last = places.at(-1);
    if (last !== undefined && last.task === task && compare(last.key, key) === 0) {
      sizes[sizes.length - 1] += size;
    } else {
      places.push({ key, task });
      sizes.push(size);
    }
  }
  const bounds = evenBounds(Float64Array.from(sizes), bytes, Math.round(bytes / typical));
  if (bounds.length < 3) return [];
  return bounds.slice(1).map((to, i): Share => {
    return {
      kind: "cuts",
      ...(i === 0 ? {} : { lower: places[bounds[i]] }),
      ...(to === places.length ? {} : { upper: places[to] }),
    };
  });
}

function sum(sizes: Float64Array): number {
  return sizes.reduce((total, bytes) => total + bytes, 0);
}
