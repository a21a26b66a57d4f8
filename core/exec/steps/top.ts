/**
 * The step "top": the n largest rows by a key, the largest first.
 *
 * Of equal keys the earlier rows win and come first, so that a second pass over
 * the tops of all shards, in shard order, gives the top of the whole.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { sliceColumn } from "../../batch/gather.ts";
import { rowReader } from "../../batch/row_reader.ts";
import { detached } from "../../batch/text.ts";
import type { NodeId, UserFunction } from "../../graph/node.ts";
import { compareValues } from "../../key/compare.ts";
import type { StepPlan } from "../../plan/physical.ts";
import type { Operator } from "../operator.ts";
import { nodeOf, type TaskScope } from "../task_scope.ts";

export function createTop(
  scope: TaskScope,
  step: StepPlan & { readonly op: "top" },
  next: Operator,
): Operator {
  const { spec } = nodeOf(scope.graph, step.node);
  if (spec.kind !== "top") throw new RangeError(`Cannot run top: node ${step.node} is ${spec.kind}`);
  return new Top(scope, step.node, spec, next);
}

interface Candidate {
  key: unknown;
  row: unknown;
  /** Number of the row in the input. */
  readonly at: number;
}

interface TopSpec {
  readonly n: number;
  readonly fn?: UserFunction;
  readonly ascending: boolean;
}

class Top implements Operator {
  readonly #scope: TaskScope;
  readonly #node: NodeId;
  readonly #n: number;
  readonly #fn: UserFunction | undefined;
  readonly #sign: number;
  readonly #next: Operator;
  /** Binary heap with the candidate that goes first at its root. */
  readonly #heap: Candidate[] = [];
  #count = 0;
  /** Whether the batch at hand has a candidate. */
  #isChanged = false;

  constructor(scope: TaskScope, node: NodeId, spec: TopSpec, next: Operator) {
    this.#scope = scope;
    this.#node = node;
    this.#n = spec.n;
    this.#fn = spec.fn;
    this.#sign = spec.ascending ? 1 : -1;
    this.#next = next;
  }

  row(row: unknown): void {
    this.#offer(this.#keyOf(row), row);
  }

  batch({ column, rows }: Batch): void {
    const read = rowReader(column);
    const before = this.#count;
    this.#isChanged = false;
    for (let i = 0; i < rows; i += 1) {
      const row = read(i);
      this.#offer(this.#keyOf(row), row);
    }
    if (this.#isChanged && column.kind !== "number" && column.kind !== "any") this.#detach(column, before);
  }

  /** Reads the rows that were taken from a column on their own: their strings would keep its whole text alive. */
  #detach(column: Column, before: number): void {
    for (const candidate of this.#heap) {
      const i = candidate.at - before;
      if (i < 0) continue;
      candidate.row = rowReader(sliceColumn(column, i, i + 1))(0);
      if (this.#fn === undefined) candidate.key = candidate.row;
      else if (typeof candidate.key === "string") candidate.key = detached(candidate.key);
    }
  }

  finish(): void | Promise<void> {
    const best = this.#heap.sort((a, b) => this.#order(a, b));
    for (const { row } of best) this.#next.row(row);
    return this.#next.finish();
  }

  isDone(): boolean {
    return this.#n <= 0;
  }

  close(): void {
    this.#heap.length = 0;
  }

  #keyOf(row: unknown): unknown {
    if (this.#fn === undefined) return row;
    try {
      return this.#fn(row, this.#scope.context);
    } catch (error) {
      return this.#scope.fail(this.#node, error, this.#count);
    }
  }

  #offer(key: unknown, row: unknown): void {
    const at = this.#count++;
    const heap = this.#heap;
    if (heap.length < this.#n) {
      heap.push({ key, row, at });
      this.#isChanged = true;
      this.#siftUp(heap.length - 1);
    } else if (this.#n > 0 && this.#isBetter(key, heap[0].key)) {
      heap[0] = { key, row, at };
      this.#isChanged = true;
      this.#siftDown();
    }
  }

  /** Numbers are most keys, and most rows are not in the top: those end here. NaN is for compareValues. */
  #isBetter(key: unknown, worst: unknown): boolean {
    if (typeof key === "number" && typeof worst === "number") {
      const difference = this.#sign * (key - worst);
      if (difference >= 0) return false;
    }
    return this.#sign * compareValues(key, worst) < 0;
  }

  /** Negative when a comes before b in the result. */
  #order(a: Candidate, b: Candidate): number {
    return this.#sign * compareValues(a.key, b.key) || a.at - b.at;
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    const moved = heap[from];
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#order(moved, heap[parent]) <= 0) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = moved;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const moved = heap[0];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#order(heap[child + 1], heap[child]) > 0) child += 1;
      if (this.#order(heap[child], moved) <= 0) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moved;
  }
}
