/**
 * Streaming steps in a row, run as one generated loop.
 *
 * Binds closures, contexts and the next operator to the text of segment_code.ts
 * and names the step, the user's line and the row when user code throws. Knows
 * nothing of what the closures do.
 */

import type { Batch, StringColumn } from "../batch/column.ts";
import { concatColumns } from "../batch/gather.ts";
import { type RowReader, rowReader } from "../batch/row_reader.ts";
import { CodeCache, compileFunction, wantsGeneratedCode } from "../generated_code.ts";
import type { NodeSpec } from "../graph/node.ts";
import { TextRuns } from "../key/text_runs.ts";
import type { StepPlan } from "../plan/physical.ts";
import { columnStep, isPlainPair } from "./column_step.ts";
import type { Operator } from "./operator.ts";
import { type BoundSteps, PlainSegment } from "./plain_segment.ts";
import {
  SEGMENT_KINDS,
  type SegmentEntry,
  type SegmentKind,
  type SegmentTarget,
  segmentSource,
} from "./segment_code.ts";
import { SEGMENT_TOOLS } from "./segment_tools.ts";
import { nodeOf, type TaskScope } from "./task_scope.ts";
import { cutWords } from "./word_kernel.ts";

export type SegmentStep = StepPlan & { readonly op: SegmentKind };

const KINDS: ReadonlySet<string> = new Set(SEGMENT_KINDS);

/** Bodies after a flatMap stand twice in the text; more than this in one segment would blow it up. */
const MAX_FLAT_MAPS = 2;

/** Cuts steps into segments and single blocking steps, in order. */
export function splitSteps(steps: readonly StepPlan[]): (readonly SegmentStep[] | StepPlan)[] {
  const parts: (SegmentStep[] | StepPlan)[] = [];
  let open: SegmentStep[] | undefined;
  for (const step of steps) {
    if (!isSegmentStep(step)) {
      parts.push(step);
      open = undefined;
      continue;
    }
    const flatMaps = open?.filter(({ op }) => op === "flatMap").length ?? 0;
    if (open === undefined || (step.op === "flatMap" && flatMaps >= MAX_FLAT_MAPS)) {
      open = [];
      parts.push(open);
    }
    open.push(step);
  }
  return parts;
}

/** One operator for all of the steps. */
export function createSegment(scope: TaskScope, steps: readonly SegmentStep[], next: Operator): Operator {
  if (!wantsGeneratedCode()) return new PlainSegment(boundSteps(scope, steps, next));
  return next.isDone === undefined
    ? new Segment(scope, steps, next)
    : new StoppableSegment(scope, steps, next);
}

function isSegmentStep(step: StepPlan): step is SegmentStep {
  return KINDS.has(step.op);
}

type ManyLoop = (read: RowReader, rows: number, base: number, readKey?: RowReader) => void;
type NumberLoop = (values: Float64Array, rows: number, base: number) => void;
type Factory = (
  functions: readonly unknown[],
  contexts: readonly unknown[],
  next: Operator,
  tools: typeof SEGMENT_TOOLS,
  fail: BoundSteps["fail"],
) => unknown;

/** By text, which tells the kinds of steps only, so compiled code is kept from task to task. */
const factories = new CodeCache<Factory>();

class Segment implements Operator {
  readonly #scope: TaskScope;
  readonly #steps: readonly SegmentStep[];
  protected readonly next: Operator;
  readonly #bound: BoundSteps;
  readonly #spec: NodeSpec;
  readonly #startsOnPairs: boolean;
  readonly #isWords: boolean;
  #words: TextRuns | undefined;
  /** The steps behind a first one that only picks a column. */
  #others: Segment | undefined;
  #rowsBefore = 0;
  #rows: ManyLoop | undefined;
  #numbers: NumberLoop | undefined;
  #pairs: ManyLoop | undefined;
  #row: ((row: unknown, base: number) => void) | undefined;
  #pair: ((key: unknown, value: unknown, base: number) => void) | undefined;

  constructor(scope: TaskScope, steps: readonly SegmentStep[], next: Operator) {
    this.#scope = scope;
    this.#steps = steps;
    this.next = next;
    this.#bound = boundSteps(scope, steps, next);
    this.#isWords = steps.length === 1 && steps[0].op === "words";
    this.#spec = nodeOf(scope.graph, steps[0].node).spec;
    this.#startsOnPairs = steps[0].op === "mapValues";
  }

  row(row: unknown): void {
    this.#row ??= this.#compile("row") as (row: unknown, base: number) => void;
    this.#row(row, this.#rowsBefore++);
  }

  pair(key: unknown, value: unknown): void {
    this.#pair ??= this.#compile("pair") as (key: unknown, value: unknown, base: number) => void;
    this.#pair(key, value, this.#rowsBefore++);
  }

  batch(batch: Batch): void {
    const base = this.#rowsBefore;
    this.#rowsBefore += batch.rows;
    const column = batch.column;
    const picked = columnStep(this.#spec, batch);
    if (picked !== undefined) {
      this.#rest(picked, base);
    } else if (this.#isWords && column.kind === "string" && column.validity === undefined) {
      this.#cutWords(column);
    } else if (column.kind === "number" && column.validity === undefined) {
      this.#numbers ??= this.#compile("numbers") as NumberLoop;
      this.#numbers(column.values, batch.rows, base);
    } else if (this.#startsOnPairs && isPlainPair(column)) {
      this.#pairs ??= this.#compile("pairs") as ManyLoop;
      const [keys, values] = column.columns;
      this.#pairs(rowReader(values), batch.rows, base, rowReader(keys));
    } else {
      this.#rows ??= this.#compile("rows") as ManyLoop;
      this.#rows(rowReader(column), batch.rows, base);
    }
  }

  #cutWords(lines: StringColumn): void {
    const { next } = this;
    this.#words ??= new TextRuns();
    const words = this.#words;
    if (next.texts !== undefined) {
      cutWords(lines, words, () => next.texts?.(words));
      return;
    }
    const columns: StringColumn[] = [];
    cutWords(lines, words, () => columns.push(words.column()));
    if (columns.length === 0) return;
    const column = concatColumns(columns);
    next.batch({ rows: column.length, column });
  }

  /** The steps behind the first one, for a batch that it was done for. */
  #rest(batch: Batch, base: number): void {
    if (this.#steps.length === 1) {
      this.next.batch(batch);
      return;
    }
    this.#others ??= new Segment(this.#scope, this.#steps.slice(1), this.next);
    this.#others.#rowsBefore = base;
    this.#others.batch(batch);
  }

  finish(): void | Promise<void> {
    return this.next.finish();
  }

  drained(): Promise<void> | undefined {
    return this.next.drained?.();
  }

  #compile(entry: SegmentEntry): unknown {
    const target: SegmentTarget = {
      takesPairs: this.next.pair !== undefined,
      canBeDone: this.next.isDone !== undefined,
    };
    const { kinds, functions, contexts, next, fail } = this.#bound;
    const source = segmentSource(kinds, target, entry);
    const factory = factories.get(
      source,
      () => compileFunction(["f", "c", "next", "tools", "fail"], source) as Factory,
    );
    return factory(functions, contexts, next, SEGMENT_TOOLS, fail);
  }
}

/** A segment before an operator that may have enough. */
class StoppableSegment extends Segment {
  isDone(): boolean {
    return this.next.isDone?.() ?? false;
  }
}

function boundSteps(scope: TaskScope, steps: readonly SegmentStep[], next: Operator): BoundSteps {
  return {
    kinds: steps.map(({ op }) => op),
    functions: steps.map((step) => functionOf(scope, step)),
    contexts: steps.map((step) => scope.contextOf(step)),
    next,
    fail: (step, row, error) => {
      if (step < 0) throw error;
      scope.fail(steps[step].node, error, row);
    },
  };
}

function functionOf(scope: TaskScope, step: SegmentStep): unknown {
  const { spec } = nodeOf(scope.graph, step.node);
  if (spec.kind === "sample") {
    return SEGMENT_TOOLS.sampler(spec.fraction, [scope.ports.seed, spec.seed, scope.task, step.node]);
  }
  return "fn" in spec ? spec.fn : undefined;
}
