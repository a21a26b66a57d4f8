/**
 * Streaming steps in a row without generated code: one row at a time through all of them.
 *
 * The general way behind segment_code.ts; both mean the same, and blame the same step and row.
 */
import type { Batch } from "../batch/column.ts";
import { rowReader } from "../batch/row_reader.ts";
import type { Operator } from "./operator.ts";
import type { SegmentKind } from "./segment_code.ts";
import { SEGMENT_TOOLS } from "./segment_tools.ts";

type UserFunction = (value: unknown, context: unknown) => unknown;

/** Steps with what is bound to them. */
export interface BoundSteps {
  readonly kinds: readonly SegmentKind[];
  readonly functions: readonly unknown[];
  readonly contexts: readonly unknown[];
  readonly next: Operator;
  /** Blames a step and the row, counted from the beginning of the task. */
  readonly fail: (step: number, row: number, error: unknown) => never;
}

export class PlainSegment implements Operator {
  readonly #steps: BoundSteps;
  readonly #functions: readonly UserFunction[];
  /** The step that runs; -1 outside of user code. */
  #step = -1;
  #rowsBefore = 0;

  constructor(steps: BoundSteps) {
    this.#steps = steps;
    this.#functions = steps.functions.map((fn) =>
      typeof fn === "function" ? (fn as UserFunction) : () => undefined,
    );
  }

  row(row: unknown): void {
    const place = this.#rowsBefore++;
    try {
      this.#run(0, row);
    } catch (error) {
      this.#steps.fail(this.#step, place, error);
    }
  }

  batch({ rows, column }: Batch): void {
    const read = rowReader(column);
    for (let i = 0; i < rows; i++) {
      if (this.#steps.next.isDone?.()) return;
      this.#step = -1;
      this.row(read(i));
    }
  }

  finish(): void | Promise<void> {
    return this.#steps.next.finish();
  }

  isDone(): boolean {
    return this.#steps.next.isDone?.() ?? false;
  }

  drained(): Promise<void> | undefined {
    return this.#steps.next.drained?.();
  }

  #run(n: number, row: unknown): void {
    const { kinds, next } = this.#steps;
    if (n === kinds.length) {
      this.#step = -1;
      next.row(row);
      return;
    }
    this.#step = n;
    for (const result of this.#results(n, row)) {
      this.#run(n + 1, result);
      if (next.isDone?.()) return;
      this.#step = n;
    }
  }

  /** What step n makes of a row. */
  #results(n: number, row: unknown): Iterable<unknown> {
    const kind = this.#steps.kinds[n];
    const call = (value: unknown): unknown => this.#functions[n](value, this.#steps.contexts[n]);
    switch (kind) {
      case "map":
        return [call(row)];
      case "filter":
      case "sample":
        return settled(call(row)) ? [row] : NOTHING;
      case "tap":
        settled(call(row));
        return [row];
      case "forEach":
        settled(call(row));
        return NOTHING;
      case "flatMap":
        return SEGMENT_TOOLS.iterable(call(row));
      case "words":
        return wordsOf(SEGMENT_TOOLS.text(row));
      case "keyBy":
        return [[call(row), row]];
      case "keys":
        return [itemOf(row, 0)];
      case "values":
        return [itemOf(row, 1)];
      case "mapValues":
        return [[itemOf(row, 0), call(itemOf(row, 1))]];
    }
  }
}

const NOTHING: readonly unknown[] = [];

function settled(value: unknown): unknown {
  SEGMENT_TOOLS.settled(value);
  return value;
}

function itemOf(row: unknown, place: 0 | 1): unknown {
  return (row as readonly unknown[])[place];
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
