/**
 * Parses plain JSON lines of one shape into the buffers of one batch, by generated code.
 *
 * Owns the compiled loops. A line that the loop does not take is read by its owner,
 * who may write its row here if it fits, so that rows stay in order.
 */
import type { Batch, Column } from "../batch/column.ts";
import { CodeCache, compileFunction } from "../generated_code.ts";
import { jsonlBuffer } from "./jsonl_buffers.ts";
import { JSONL_TOOLS } from "./jsonl_fields.ts";
import { jsonlLoopSource, type NameRun, nameRuns } from "./jsonl_loop_source.ts";
import { fitsShape, type JsonlField, type JsonlShape, type JsonlValue } from "./jsonl_shape.ts";
import { MAX_FIELDS, type ParseFunction, ParseLoop } from "./parse_loop.ts";

/** So many properties are looked at in one text. */
const MAX_NAMES = 500;
const loops = new CodeCache<ParseFunction>();

export class JsonlLoop extends ParseLoop {
  /** Two loops of one key do the same. */
  readonly key: string;
  readonly #shape: JsonlShape;

  /** undefined when there are too many properties for it. */
  static of(shape: JsonlShape): JsonlLoop | undefined {
    const leaves = leavesOf(shape.fields);
    const slots = leaves.filter(({ kind }) => kind !== "skipped");
    return leaves.length > MAX_NAMES || slots.length > MAX_FIELDS ? undefined : new JsonlLoop(shape);
  }

  private constructor(shape: JsonlShape) {
    const kinds = leavesOf(shape.fields).flatMap((leaf) => (leaf.kind === "skipped" ? [] : [leaf]));
    const inOrder = kinds.toSorted((a, b) => a.slot - b.slot);
    super(
      compiled(shape.fields),
      inOrder.map(({ kind }) => jsonlBuffer(kind)),
    );
    this.key = JSON.stringify(shape);
    this.#shape = shape;
  }

  /** Takes a row that was read in another way, of so many bytes, if there is room and it fits; tells whether it was taken. */
  write(row: unknown, sizeBytes: number): boolean {
    if (this.isFull || !fitsShape(this.#shape, row)) return false;
    this.makeRoom(1);
    this.#writeAll(this.#shape.columns, row as Record<string, unknown>, this.rows);
    this.addRows(1, sizeBytes);
    return true;
  }

  /** Gives the rows that are held, and is empty then. */
  take(): Batch {
    const rows = this.takeRows();
    return { rows, column: this.#object(this.#shape.columns, rows) };
  }

  #writeAll(fields: JsonlShape["columns"], row: Readonly<Record<string, unknown>>, at: number): void {
    for (const { name, value } of fields) {
      if (value?.kind === "object") this.#writeAll(value.fields, row[name] as Record<string, unknown>, at);
      else if (value !== undefined && value.kind !== "skipped") this.buffers[value.slot].write(row[name], at);
    }
  }

  #object(fields: JsonlShape["columns"], rows: number): Column {
    const names = fields.map(({ name }) => name);
    const columns = fields.map(({ value }) => this.#column(value, rows));
    return { kind: "object", length: rows, names, columns };
  }

  #column(value: JsonlValue | undefined, rows: number): Column {
    if (value?.kind === "object") return this.#object(value.fields, rows);
    if (value === undefined || value.kind === "skipped") {
      return { kind: "null", length: rows, absent: "undefined" };
    }
    return this.buffers[value.slot].take(rows);
  }
}

/** In the order of a line, those of nested objects in their places. */
function leavesOf(fields: readonly JsonlField[]): Exclude<JsonlValue, { kind: "object" }>[] {
  return fields.flatMap(({ value }) => (value.kind === "object" ? leavesOf(value.fields) : [value]));
}

function compiled(fields: readonly JsonlField[]): ParseFunction {
  return loops.get(JSON.stringify(fields), () => {
    const make = compileFunction(["tools", "runs"], jsonlLoopSource(fields)) as (
      tools: typeof JSONL_TOOLS,
      runs: readonly NameRun[],
    ) => unknown;
    return make(JSONL_TOOLS, nameRuns(fields)) as ParseFunction;
  });
}
