/**
 * Small physical plans for the tests of the scheduler.
 */
import type {
  Head,
  InputEdge,
  PhysicalPlan,
  PlanOutput,
  StepPlan,
  Tail,
  TaskGroupPlan,
} from "../../../core/plan/physical.ts";
import type { ShardReport, TaskReport } from "../../../core/schedule/report.ts";

export function edge(from: number | string, mode: InputEdge["mode"]): InputEdge {
  return {
    from: typeof from === "number" ? { kind: "group", group: from } : { kind: "dataset", dataset: from },
    mode,
  };
}

export interface GroupOptions {
  readonly tasks: number;
  readonly inputs?: readonly InputEdge[];
  readonly head?: Head;
  readonly steps?: readonly StepPlan[];
  readonly tail?: Tail;
  readonly needsCommittedInput?: boolean;
}

export function planOf(
  groups: readonly GroupOptions[],
  outputs: readonly (number | PlanOutput)[],
): PhysicalPlan {
  return {
    flow: "test",
    fingerprint: [],
    groups: groups.map(groupOf),
    outputs: outputs.map((output) =>
      typeof output === "number" ? { node: output, group: output, kind: "dataset" } : output,
    ),
  };
}

function groupOf(options: GroupOptions, id: number): TaskGroupPlan {
  const { tasks, inputs, steps = [], tail = { kind: "store" } } = options;
  const head: Head =
    options.head ??
    (inputs === undefined ? { kind: "source", node: id, splits: [] } : { kind: "read", inputs });
  return {
    id,
    head,
    steps,
    tail,
    tasks,
    nodes: [id],
    label: `group ${id}`,
    estimatedBytes: 0,
    needsCommittedInput: options.needsCommittedInput ?? false,
  };
}

export function hashTail(partitions: number): Tail {
  return { kind: "hash", partitions, key: "pair" };
}

export const TOTALS: TaskReport = {
  rowsIn: 1,
  bytesIn: 10,
  rowsOut: 1,
  bytesOut: 10,
  spilledBytes: 0,
  counters: { seen: 1 },
  samples: {},
};

/** A shard with one row in each partition, and many bytes in the second when it is skewed. */
export function shardOf(tail: Tail, attempt: string, isSkewed = false): ShardReport {
  const partitions = "partitions" in tail ? tail.partitions : 1;
  const shard = {
    partitions: Array.from({ length: partitions }, (_, i) => {
      return { rows: 1, bytes: isSkewed && i === 1 ? 1000 : 10, chunks: 1 };
    }),
  };
  return tail.kind === "sink"
    ? { ...shard, sinkFile: { name: `${attempt}.txt`, rows: 1, bytes: 10 } }
    : shard;
}
