/**
 * The values of one key of the right side of a merge join.
 *
 * They stay as columns, and go to a scratch file when they are more than a few, so
 * that a key may have more rows than memory. It knows nothing of keys.
 */
import type { Column } from "../../batch/column.ts";
import { columnBytes } from "../../batch/gather.ts";
import { rowReader } from "../../batch/row_reader.ts";
import type { SpillFile } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import { SpilledRun } from "./spilled_run.ts";

export class GroupBuffer {
  readonly #scope: TaskScope;
  readonly #memoryBytes: number;
  #columns: Column[] = [];
  #heldBytes = 0;
  #file: SpillFile | undefined;
  #run: SpilledRun | undefined;

  constructor(scope: TaskScope, memoryBytes: number) {
    this.#scope = scope;
    this.#memoryBytes = memoryBytes;
  }

  add(values: Column): void {
    this.#columns.push(values);
    this.#heldBytes += columnBytes(values);
    if (this.#heldBytes <= this.#memoryBytes) return;
    this.#file ??= this.#scope.ports.spill.create();
    this.#run ??= new SpilledRun(this.#scope, this.#file);
    for (const column of this.#columns) this.#run.write({ rows: column.length, column });
    this.#columns = [];
    this.#heldBytes = 0;
  }

  /** Gives the values chunk by chunk, any number of times. */
  *chunks(): Generator<readonly unknown[]> {
    const reader = this.#run?.open();
    for (let batch = reader?.next(); batch !== undefined; batch = reader?.next()) {
      if (batch instanceof Promise) throw new RangeError("Cannot read a group: a scratch file never waits");
      yield valuesOf(batch.column);
    }
    for (const column of this.#columns) yield valuesOf(column);
  }

  clear(): void {
    this.#columns = [];
    this.#heldBytes = 0;
    this.#run = undefined;
    this.#file?.delete();
    this.#file = undefined;
  }
}

function valuesOf(column: Column): unknown[] {
  const read = rowReader(column);
  const values = new Array<unknown>(column.length);
  for (let i = 0; i < values.length; i += 1) values[i] = read(i);
  return values;
}
