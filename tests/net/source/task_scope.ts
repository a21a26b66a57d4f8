/** A task scope over real files, for the tests of sources and sinks. */

import type { Batch } from "../../../core/batch/column.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import type { Operator } from "../../../core/exec/operator.ts";
import type { TaskPorts } from "../../../core/exec/ports.ts";
import { runSourceHead } from "../../../core/exec/source_head.ts";
import { failStep, type TaskScope } from "../../../core/exec/task_scope.ts";
import type { Graph, GraphNode, NodeSpec } from "../../../core/graph/node.ts";
import type { SourceSplit, TaskGroupPlan } from "../../../core/plan/physical.ts";
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { codecPorts } from "../../../net/codec_ports.ts";
import { openSplit } from "../../../net/source/open_split.ts";
import { resolveSource } from "../../../net/source/resolve.ts";

export interface Gathered {
  readonly rows: unknown[];
  readonly counters: Record<string, number>;
  readonly totals: TaskScope["totals"];
}

export function nodeFor(spec: NodeSpec): GraphNode {
  return { id: 0, inputs: [], callSite: { file: "flow.ts", line: 3, column: 1 }, spec };
}

/** A scope for one node. Only what sources and sinks use is there. */
export function scopeFor(
  spec: NodeSpec,
  task = 0,
  signal = new AbortController().signal,
): TaskScope & Gathered {
  const graph: Graph = { flow: "test", nodes: [nodeFor(spec)], outputs: [0] };
  const counters: Record<string, number> = {};
  const ports: Partial<TaskPorts> = { codec: codecPorts, openSplit, signal };
  const context = {
    shard: task,
    shards: 1,
    worker: 0,
    log: () => undefined,
    count: (name: string, by = 1) => {
      counters[name] = (counters[name] ?? 0) + by;
    },
    sendToDriver: () => Promise.resolve(),
    on: () => undefined,
    signal,
  };
  const plan = { head: { kind: "read", inputs: [] } } as unknown as TaskGroupPlan;
  const totals = { ...NO_TOTALS, counters: {}, samples: {} };
  return {
    graph,
    plan,
    task,
    input: { pieces: [], sides: {} },
    context,
    ports: ports as TaskPorts,
    memoryBytes: 1 << 20,
    totals,
    contextOf: () => context,
    settle: () => {
      signal.throwIfAborted();
      return undefined;
    },
    fail: (node, error, row) => failStep({ graph, plan, task }, node, error, row),
    rows: [],
    counters,
  };
}

/** An operator that keeps rows, and is done after so many. */
export function gatherer(rows: unknown[], limit = Number.POSITIVE_INFINITY): Operator {
  return {
    row: (row) => rows.push(row),
    batch: (batch: Batch) => {
      const read = rowReader(batch.column);
      for (let i = 0; i < batch.rows; i++) rows.push(read(i));
    },
    finish: () => undefined,
    isDone: () => rows.length >= limit,
  };
}

/** All rows of a source, split by split, as its tasks would read them. */
export async function readSource(
  spec: NodeSpec,
  limit?: number,
): Promise<Gathered & { splits: SourceSplit[] }> {
  const { splits } = await resolveSource(nodeFor(spec), { slots: 2 });
  const all = scopeFor(spec);
  for (const task of splits.keys()) {
    const scope = scopeFor(spec, task);
    await runSourceHead(scope, { kind: "source", node: 0, splits }, gatherer(scope.rows, limit));
    all.rows.push(...scope.rows);
    for (const [name, by] of Object.entries(scope.counters)) all.context.count(name, by);
    Object.assign(all.totals.samples, scope.totals.samples);
    all.totals.rowsIn += scope.totals.rowsIn;
    all.totals.bytesIn += scope.totals.bytesIn;
  }
  return { ...all, splits };
}
