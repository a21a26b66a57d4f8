/**
 * Parses plain CSV records into the buffers of one batch, by generated code.
 *
 * Owns the compiled loops. A record that the loop does not take is read by its
 * owner, who adds its columns here, so that rows stay in order.
 */
import type { Column } from "../batch/column.ts";
import { CodeCache, compileFunction, wantsGeneratedCode } from "../generated_code.ts";
import { CSV_TOOLS } from "./csv_fields.ts";
import { type CsvLoopShape, csvLoopSource } from "./csv_loop_source.ts";
import { loopBuffer } from "./loop_buffers.ts";
import { MAX_FIELDS, type ParseFunction, ParseLoop } from "./parse_loop.ts";

const loops = new CodeCache<ParseFunction>();

export class CsvLoop extends ParseLoop {
  /** undefined when it cannot tell the fields apart, as there are too many or none, or no generated code is wanted. */
  static of(shape: CsvLoopShape): CsvLoop | undefined {
    const wanted = shape.fields.filter((field) => field !== undefined);
    const hasNumbers = wanted.some(({ type }) => type === "number");
    const isFitting =
      shape.fields.length > 0 && wanted.length <= MAX_FIELDS && !(hasNumbers && isInNumbers(shape.delimiter));
    return isFitting && wantsGeneratedCode() ? new CsvLoop(shape) : undefined;
  }

  private constructor(shape: CsvLoopShape) {
    const wanted = shape.fields.filter((field) => field !== undefined);
    const types = wanted.toSorted((a, b) => a.slot - b.slot).map(({ type }) => type);
    super(compiled(shape), types.map(loopBuffer));
  }

  /** Adds rows that were read in another way, of so many bytes of the file; there must be room for them. */
  add(columns: readonly Column[], length: number, sizeBytes: number): void {
    this.makeRoom(length);
    this.buffers.forEach((buffer, slot) => {
      buffer.add(columns[slot], this.rows);
    });
    this.addRows(length, sizeBytes);
  }

  /** Gives the rows that are held as columns, and is empty then. */
  take(): Column[] {
    const rows = this.takeRows();
    return this.buffers.map((buffer) => buffer.take(rows));
  }
}

/** The loop reads digits, a point and a sign as far as they go; a delimiter that is one of them would go with them. */
function isInNumbers(delimiter: number): boolean {
  return (delimiter >= 48 && delimiter <= 57) || delimiter === 45 || delimiter === 46;
}

function compiled(shape: CsvLoopShape): ParseFunction {
  return loops.get(JSON.stringify(shape), () => {
    const make = compileFunction(["tools"], csvLoopSource(shape)) as (tools: typeof CSV_TOOLS) => unknown;
    return make(CSV_TOOLS) as ParseFunction;
  });
}
