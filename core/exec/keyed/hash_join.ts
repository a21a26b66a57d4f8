/**
 * Head "join" with strategy hash: inner, left, right, full joins and cogroup.
 *
 * Builds a table of the right input and streams the left one past it. When the
 * table outgrows the budget both inputs are split by key on disk and joined part
 * by part; then rows come in the order of the parts.
 */
import type { Batch } from "../../batch/column.ts";
import { tupleBatch } from "../../batch/make.ts";
import { hashColumn } from "../../key/hash.ts";
import type { Head } from "../../plan/physical.ts";
import { eachBatch } from "../each_batch.ts";
import type { Operator } from "../operator.ts";
import { openPieces } from "../piece_head.ts";
import type { BatchReader } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import { GroupTable } from "./group_table.ts";
import { JoinTable } from "./join_table.ts";
import { pairColumns } from "./pair_columns.ts";
import { MAX_SPILL_LEVEL, SpillPartitions } from "./spill_partitions.ts";

type JoinHead = Head & { readonly kind: "join" };

interface Join {
  readonly scope: TaskScope;
  readonly how: JoinHead["how"];
  readonly next: Operator;
}

interface Sides {
  readonly left: BatchReader;
  readonly right: BatchReader;
}

export async function runHashJoin(scope: TaskScope, head: JoinHead, next: Operator): Promise<void> {
  const [leftPieces, rightPieces] = scope.input.pieces;
  const left = openPieces(scope, leftPieces);
  const right = openPieces(scope, rightPieces);
  try {
    const join = { scope, how: head.how, next };
    if (head.how === "cogroup") await cogroup(join, { left, right });
    else await joinSides(join, { left, right }, 0);
  } catch (error) {
    if (error instanceof TypeError) scope.fail(head.node, error);
    throw error;
  } finally {
    left.close();
    right.close();
  }
}

async function cogroup({ scope, next }: Join, { left, right }: Sides): Promise<void> {
  const table = new GroupTable(scope, 2);
  try {
    await eachBatch(scope, left, (batch) => {
      table.add(0, pairColumns(batch));
      return true;
    });
    await eachBatch(scope, right, (batch) => {
      table.add(1, pairColumns(batch));
      return true;
    });
    await table.drain((batch) => next.batch(batch));
  } finally {
    table.close();
  }
}

/** Joins two readers; at level n they are a part that was split n times. */
async function joinSides(join: Join, sides: Sides, level: number): Promise<void> {
  const { scope, how, next } = join;
  const table = new JoinTable({
    built: "right",
    keepsProbing: how === "left" || how === "full",
    keepsBuilt: how === "right" || how === "full",
  });
  table.emitTo((batch) => next.batch(batch));
  let builtBytes = 0;
  const canSplit = level < MAX_SPILL_LEVEL;
  const isBuilt = await eachBatch(scope, sides.right, (batch) => {
    table.build(pairColumns(batch));
    builtBytes = table.sizeBytes;
    return !canSplit || builtBytes <= scope.memoryBytes;
  });
  if (!isBuilt) return joinParts(join, table, sides, level);
  table.seal();
  await eachBatch(scope, sides.left, (batch) => {
    table.probe(batch);
    return !(next.isDone?.() ?? false);
  });
  if (how === "right" || how === "full") table.drainUnmatched();
  table.clear();
  scope.ports.released?.(builtBytes);
}

/** Splits what was built, the rest of the right and all of the left side, and joins part by part. */
async function joinParts(join: Join, built: JoinTable, sides: Sides, level: number): Promise<void> {
  const { scope, next } = join;
  const opened: SpillPartitions[] = [];
  const open = (): SpillPartitions => {
    const parts = new SpillPartitions(scope, level);
    opened.push(parts);
    return parts;
  };
  try {
    const [left, right] = [open(), open()];
    for (const { column, hashes } of built.rows.pairs(built.table)) right.add(column, hashes);
    const { sizeBytes } = built;
    built.clear();
    scope.ports.released?.(sizeBytes);
    await eachBatch(scope, sides.right, (batch) => spill(right, batch));
    await eachBatch(scope, sides.left, (batch) => spill(left, batch));
    for (let part = 0; part < left.count && !next.isDone?.(); part++) {
      await joinSides(join, { left: left.reader(part), right: right.reader(part) }, level + 1);
    }
  } finally {
    for (const parts of opened) parts.close();
  }
}

function spill(target: SpillPartitions, batch: Batch): true {
  const { keys, values } = pairColumns(batch);
  target.add(tupleBatch([keys, values], batch.rows).column, hashColumn(keys));
  return true;
}
