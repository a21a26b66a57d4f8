/**
 * Rows that come from no file: counted, given by the program, or generated.
 */

import { columnOf } from "../../batch/make.ts";
import type { GraphNode } from "../../graph/node.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";

const BATCH_ROWS = 65_536;
/** Numbers are small, what steps make of them may not be: between two batches the task asks what keeps up. */
const RANGE_ROWS = 8192;
/** Generated rows between two looks at the clock and at what waits. */
const SETTLE_ROWS = 1024;
/** The same where each row is waited for, and may be long in coming. */
const SETTLE_ROWS_ASYNC = 64;

export async function pushRange(scope: TaskScope, from: number, to: number, next: Operator): Promise<void> {
  for (let first = from; first < to && !next.isDone?.(); first += RANGE_ROWS) {
    const length = Math.min(RANGE_ROWS, to - first);
    const values = new Float64Array(length);
    for (let i = 0; i < length; i++) values[i] = first + i;
    scope.totals.rowsIn += length;
    next.batch({ rows: length, column: { kind: "number", length, values } });
    const waiting = scope.settle();
    if (waiting !== undefined) await waiting;
  }
}

export async function pushPaths(scope: TaskScope, paths: readonly string[], next: Operator): Promise<void> {
  for (let from = 0; from < paths.length && !next.isDone?.(); from += BATCH_ROWS) {
    const part = paths.slice(from, from + BATCH_ROWS);
    scope.totals.rowsIn += part.length;
    next.batch({ rows: part.length, column: columnOf(part) });
    const waiting = scope.settle();
    if (waiting !== undefined) await waiting;
  }
}

/** Rows [from, to) of the node's own array. They are pushed one by one: closures want values, not columns. */
export async function pushSlice(
  scope: TaskScope,
  node: GraphNode,
  { from, to }: { readonly from: number; readonly to: number },
  next: Operator,
): Promise<void> {
  if (node.spec.kind !== "array") throw new RangeError(`Cannot slice a ${node.spec.kind}: node ${node.id}`);
  const { values } = node.spec;
  for (let i = from; i < to && !next.isDone?.(); ) {
    const end = Math.min(to, i + SETTLE_ROWS);
    scope.totals.rowsIn += end - i;
    for (; i < end; i++) next.row(values[i]);
    const waiting = scope.settle();
    if (waiting !== undefined) await waiting;
  }
}

/** What the user's generator of this shard yields, whether it is asynchronous or not. */
export async function pushGenerated(scope: TaskScope, node: GraphNode, next: Operator): Promise<void> {
  if (node.spec.kind !== "generate")
    throw new RangeError(`Cannot generate a ${node.spec.kind}: node ${node.id}`);
  const rows: unknown = guarded(scope, node, () => callGenerator(scope, node));
  if (isIterable(rows)) return pushIterable(scope, node, rows, next);
  if (isAsyncIterable(rows)) return pushAsyncIterable(scope, node, rows, next);
  scope.fail(node.id, new TypeError("the function must return an iterable, such as a generator"));
}

function callGenerator(scope: TaskScope, node: GraphNode): unknown {
  return node.spec.kind === "generate" ? node.spec.fn(scope.context.shard, scope.context) : undefined;
}

async function pushIterable(
  scope: TaskScope,
  node: GraphNode,
  rows: Iterable<unknown>,
  next: Operator,
): Promise<void> {
  const iterator = guarded(scope, node, () => rows[Symbol.iterator]());
  let count = 0;
  try {
    for (;;) {
      if (next.isDone?.()) break;
      const result = guarded(scope, node, () => iterator.next());
      if (result.done === true) return;
      scope.totals.rowsIn++;
      next.row(result.value);
      if (++count % SETTLE_ROWS !== 0) continue;
      const waiting = scope.settle();
      if (waiting !== undefined) await waiting;
    }
  } catch (error) {
    iterator.return?.();
    throw error;
  }
  guarded(scope, node, () => iterator.return?.());
}

async function pushAsyncIterable(
  scope: TaskScope,
  node: GraphNode,
  rows: AsyncIterable<unknown>,
  next: Operator,
): Promise<void> {
  const iterator = guarded(scope, node, () => rows[Symbol.asyncIterator]());
  const pull = abortablePull(iterator, scope.ports.signal);
  let count = 0;
  try {
    for (;;) {
      if (next.isDone?.()) return;
      const result = await pull.next().catch((error: unknown) => scope.fail(node.id, error));
      const isOver = result === undefined || result.done === true;
      // When it was aborted, settle tells that the task was cancelled.
      const waiting = isOver || ++count % SETTLE_ROWS_ASYNC === 0 ? scope.settle() : undefined;
      if (waiting !== undefined) await waiting;
      if (isOver) return;
      scope.totals.rowsIn++;
      next.row(result.value);
    }
  } finally {
    pull.forget();
    // A generator that hangs in its own clean-up must not hold the task.
    iterator.return?.().then(undefined, () => undefined);
  }
}

/** Pulls that end with undefined on abort. A race with one promise for all would keep every row's reaction. */
function abortablePull(iterator: AsyncIterator<unknown>, signal: AbortSignal) {
  let wake: () => void = () => undefined;
  const listener = () => wake();
  signal.addEventListener("abort", listener);
  const next = () =>
    new Promise<IteratorResult<unknown> | undefined>((resolve, reject) => {
      wake = () => resolve(undefined);
      if (signal.aborted) wake();
      else iterator.next().then(resolve, reject);
    });
  return { next, forget: () => signal.removeEventListener("abort", listener) };
}

function guarded<T>(scope: TaskScope, node: GraphNode, use: () => T): T {
  try {
    return use();
  } catch (error) {
    return scope.fail(node.id, error);
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
