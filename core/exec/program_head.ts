/**
 * Runs a worker program: the user's function, once, with its peers; what it returns is the only row.
 */
import { rowReader } from "../batch/row_reader.ts";
import { Member } from "../collectives/member.ts";
import { LucioleError } from "../errors.ts";
import type { Head } from "../plan/physical.ts";
import type { Operator } from "./operator.ts";
import { openPieces } from "./piece_head.ts";
import { ProgramContext } from "./program_context.ts";
import { nodeOf, type TaskScope } from "./task_scope.ts";
import type { LocalRows } from "./worker_context.ts";

type ProgramHead = Head & { readonly kind: "worker" };

/** Head "worker". */
export async function runProgramHead(scope: TaskScope, head: ProgramHead, next: Operator): Promise<void> {
  const { spec } = nodeOf(scope.graph, head.node);
  const { gang } = scope.ports;
  if (spec.kind !== "worker" || gang === undefined) {
    throw new LucioleError("internal", `Cannot run node ${head.node}: it was not started with its peers`);
  }
  const { rank, workers, epoch } = gang;
  const member = new Member({
    ...gang.ports,
    rank,
    size: workers.length,
    nameOf: (rank) =>
      `rank ${rank} (worker ${workers[rank]?.worker} on agent ${workers[rank]?.agent}, epoch ${epoch})`,
    signal: scope.ports.signal,
    timeoutMs: spec.timeoutMs,
  });
  gang.join((from, letter) => member.deliver(from, letter));
  const open = (dataset: string): LocalRows<unknown> | undefined => openRows(scope, head, dataset);
  const context = new ProgramContext({ task: scope.context, member, rank, workers, epoch, open });
  try {
    const row = await result(scope, head, async () => {
      const returned = await spec.fn(context);
      if (!scope.ports.signal.aborted) member.finish();
      return returned;
    });
    await scope.settle();
    next.row(row);
  } finally {
    member.end();
  }
}

/** What user code returns, or the end of the attempt: it need not look at its signal. */
async function result(scope: TaskScope, head: ProgramHead, call: () => Promise<unknown>): Promise<unknown> {
  const { signal } = scope.ports;
  const aborted = Promise.withResolvers<void>();
  const onAbort = (): void => aborted.resolve();
  signal.addEventListener("abort", onAbort);
  try {
    const running = call();
    if (signal.aborted) aborted.resolve();
    return await Promise.race([running, aborted.promise]);
  } catch (error) {
    await scope.settle();
    return scope.fail(head.node, error);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function openRows(scope: TaskScope, head: ProgramHead, dataset: string): LocalRows<unknown> | undefined {
  // The plan may have been made for datasets of other names.
  const input = nodeOf(scope.graph, head.node).inputs.findIndex((id) => {
    const { spec } = nodeOf(scope.graph, id);
    return spec.kind === "from" && spec.dataset === dataset;
  });
  if (input < 0) return undefined;
  const rowsOf = () => readRows(scope, input);
  return {
    [Symbol.asyncIterator]: async function* () {
      for await (const rows of rowsOf()) yield* rows;
    },
    collect: async () => {
      const all: unknown[] = [];
      for await (const rows of rowsOf()) for (const row of rows) all.push(row);
      return all;
    },
  };
}

/** The rows of this worker's shards, a batch at a time. */
async function* readRows(scope: TaskScope, input: number): AsyncGenerator<readonly unknown[]> {
  const reader = openPieces(scope, scope.input.pieces[input] ?? []);
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      const read = rowReader(batch.column);
      yield Array.from({ length: batch.rows }, (_, i) => read(i));
      await scope.settle();
    }
  } finally {
    reader.close();
  }
}
