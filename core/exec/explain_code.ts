/**
 * Tells the generated code of a task group, before anything runs.
 *
 * What depends on the data is told for what is declared: a csv file is taken to have just the columns that are
 * read, in their order. The code that runs is made by the same functions.
 */

import { rowReaderSource } from "../batch/row_reader.ts";
import type { Shape } from "../batch/shape.ts";
import { type CsvType, csvTypeOf } from "../format/csv_columns.ts";
import { csvLoopSource } from "../format/csv_loop_source.ts";
import type { CsvOptions, Graph } from "../graph/node.ts";
import { operationName } from "../graph/operation_name.ts";
import type { StepPlan, TaskGroupPlan } from "../plan/physical.ts";
import { tidyCode } from "./code_layout.ts";
import { isRowKeyed } from "./keyed/combine.ts";
import { type SegmentStep, splitSteps } from "./segment.ts";
import { segmentSource } from "./segment_code.ts";

/** One generated function: what it does, and its text. */
export interface GeneratedCode {
  readonly title: string;
  readonly source: string;
}

/** The functions that are generated for a group, in the order in which rows pass them. */
export function codeOfGroup(graph: Graph, group: TaskGroupPlan): readonly GeneratedCode[] {
  const code = codeOfHead(graph, group);
  const steps = group.steps.filter(({ op }) => op !== "toSink");
  const parts = splitSteps(steps);
  parts.forEach((part, i) => {
    if (!("op" in part)) code.push(codeOfSegment(graph, part, parts[i + 1]));
  });
  return code.map(({ title, source }) => ({ title, source: tidyCode(source) }));
}

function codeOfHead(graph: Graph, { head }: TaskGroupPlan): GeneratedCode[] {
  if (head.kind !== "source") return [];
  const { spec } = graph.nodes[head.node];
  if (spec.kind !== "csv") return [];
  const names = csvNames(spec.options, head.columns);
  if (names === undefined) return [];
  const types = names.map((name): CsvType => csvTypeOf(spec.options, name));
  const delimiter = (spec.options.delimiter ?? ",").charCodeAt(0);
  const fields = types.map((type, slot) => ({ slot, type }));
  const shape: Shape = { kind: "object", names, items: types.map((kind) => ({ kind })) };
  const list = names.join(", ");
  return [
    { title: `csv: bytes to the columns ${list}`, source: csvLoopSource({ delimiter, fields }) },
    { title: `csv: columns to rows { ${list} }, where a closure needs them`, source: rowReaderSource(shape) },
  ];
}

/** The columns that are known before a file is opened. */
function csvNames(options: CsvOptions, wanted: readonly string[] | undefined): readonly string[] | undefined {
  const { columns } = options;
  if (columns === undefined) return wanted;
  return wanted === undefined ? columns : columns.filter((name) => wanted.includes(name));
}

function codeOfSegment(
  graph: Graph,
  steps: readonly SegmentStep[],
  next: readonly SegmentStep[] | StepPlan | undefined,
): GeneratedCode {
  const isStep = next !== undefined && "op" in next;
  const kinds = steps.map(({ op }) => op);
  const target = {
    takesPairs: isStep && next.op === "combine" && !isRowKeyed(graph, next),
    canBeDone: isStep && next.op === "limit",
  };
  const names = steps.map(({ node }) => operationName(graph.nodes[node].spec));
  const entry = kinds[0] === "mapValues" ? "pairs" : "rows";
  return { title: names.join(", "), source: segmentSource(kinds, target, entry) };
}
