/**
 * Reads the splits of a source and pushes their rows on.
 *
 * Says of what cannot be read in which file it is; files themselves are opened by
 * the port, and their bytes belong to their format.
 */
import type { Batch } from "../batch/column.ts";
import { LucioleError } from "../errors.ts";
import type { GraphNode } from "../graph/node.ts";
import type { Head } from "../plan/physical.ts";
import type { Operator } from "./operator.ts";
import { BinaryFormat } from "./source/binary_format.ts";
import { CsvFormat } from "./source/csv_format.ts";
import { FaultError, type FileSplit } from "./source/fault_log.ts";
import type { FileFormat } from "./source/file_format.ts";
import { JsonlFormat } from "./source/jsonl_format.ts";
import { pushGenerated, pushPaths, pushRange, pushSlice } from "./source/memory_sources.ts";
import { TextFormat } from "./source/text_format.ts";
import { nodeOf, type TaskScope } from "./task_scope.ts";

type SourceHead = Head & { readonly kind: "source" };

/** What goes wrong with a file itself; everything else that is thrown here comes from the steps. */
const INPUT_CODES: ReadonlySet<string> = new Set([
  "malformed-input",
  "input-missing",
  "input-unreadable",
  "input-changed",
]);

/** Head "source": pushes the rows of this task's split, until no further row matters. */
export async function runSourceHead(scope: TaskScope, head: SourceHead, next: Operator): Promise<void> {
  const node = nodeOf(scope.graph, head.node);
  const split = head.splits[scope.task];
  if (split === undefined) {
    throw new RangeError(`Cannot read split ${scope.task}: there are ${head.splits.length}`);
  }
  switch (split.kind) {
    case "file":
      return readFiles(scope, head, [split], next);
    case "files":
      return readFiles(scope, head, split.files, next);
    case "paths":
      return pushPaths(scope, split.paths, next);
    case "range":
      return pushRange(scope, split.from, split.to, next);
    case "slice":
      return pushSlice(scope, node, split, next);
    case "shard":
      return pushGenerated(scope, node, next);
  }
}

async function readFiles(
  scope: TaskScope,
  head: SourceHead,
  files: readonly FileSplit[],
  next: Operator,
): Promise<void> {
  const node = nodeOf(scope.graph, head.node);
  const format = formatOf(scope, node, head.columns, next);
  for (const file of files) {
    if (next.isDone?.()) return format.close?.();
    try {
      await readFile(scope, file, format, next);
    } catch (error) {
      const located = error instanceof FaultError ? await error.located(scope) : error;
      throw located instanceof LucioleError && INPUT_CODES.has(located.code)
        ? withStep(scope, node, located)
        : located;
    }
  }
  format.finish();
  await format.close?.();
}

/** The same error, which also says by which step and line of the flow the file is read. */
function withStep(scope: TaskScope, { id, spec, callSite }: GraphNode, error: LucioleError): LucioleError {
  const site = callSite === undefined ? "" : ` at ${callSite.file}:${callSite.line}`;
  return new LucioleError(error.code, `${error.message} (${spec.kind}${site})`, {
    cause: error.cause,
    retryable: error.retryable,
    fields: { ...error.fields, step: spec.kind, node: id, callSite: site.slice(4), shard: scope.task },
  });
}

async function readFile(
  scope: TaskScope,
  file: FileSplit,
  format: FileFormat,
  next: Operator,
): Promise<void> {
  await format.begin(file);
  const reader = scope.ports.openSplit(file);
  try {
    for (;;) {
      const read = reader.next();
      const piece = read instanceof Promise ? await read : read;
      if (piece === undefined) break;
      scope.totals.bytesIn += piece.byteLength;
      format.push(piece, reader.position ?? 0);
      const waiting = scope.settle();
      if (waiting !== undefined) await waiting;
      if (next.isDone?.()) return;
    }
  } finally {
    reader.close();
  }
  format.end();
}

function formatOf(
  scope: TaskScope,
  node: GraphNode,
  columns: SourceHead["columns"],
  next: Operator,
): FileFormat {
  const push = (batch: Batch) => {
    scope.totals.rowsIn += batch.rows;
    next.batch(batch);
  };
  const pushRow = (row: unknown) => {
    scope.totals.rowsIn++;
    next.row(row);
  };
  switch (node.spec.kind) {
    case "text":
      return new TextFormat(push);
    case "csv":
      return new CsvFormat(scope, { options: node.spec.options, wanted: columns, push });
    case "jsonl":
      return new JsonlFormat(scope, { options: node.spec.options, wanted: columns, push, pushRow });
    case "binary":
      return new BinaryFormat(scope, push);
    default:
      throw new RangeError(`Cannot read files of a ${node.spec.kind}: node ${node.id} is no source of files`);
  }
}
