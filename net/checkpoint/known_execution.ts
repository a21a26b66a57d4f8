/**
 * What the checkpoint knows of an execution of this driver, and the ids of datasets.
 */
import type { PastExecution } from "../../core/checkpoint/history.ts";
import type { DoneRecord, PastOutput } from "../../core/checkpoint/records.ts";
import type { Graph } from "../../core/graph/node.ts";

export interface KnownExecution {
  /** In this job. */
  readonly id: string;
  /** In the log. */
  readonly number: number;
  readonly flow: string;
  readonly digest: string;
  readonly graph: Graph;
  /** Its parameters as they travel. */
  readonly params: Uint8Array;
  /** What an earlier driver did of it. */
  readonly past: PastExecution | undefined;
  /** Nodes whose handles the program has released. */
  readonly released: Set<number>;
  /** Nodes whose rows the program has read. */
  readonly read: Set<number>;
  /** How it ended, here or there. */
  done: DoneRecord | undefined;
  /** The driver at hand did not run it. */
  isReplayed: boolean;
  /** The scheduler has it. */
  isSubmitted: boolean;
}

/** The part of a dataset's id that names its execution, and the number of its node. */
export function splitDataset(dataset: string): { readonly execution: string; readonly node: number } {
  const dot = dataset.lastIndexOf(".");
  return { execution: dataset.slice(0, dot), node: Number(dataset.slice(dot + 1)) };
}

export function outputOf({ done }: KnownExecution, node: number): PastOutput | undefined {
  return done?.outputs.find((output) => output.node === node);
}

/** Datasets that its graph reads. */
export function inputsOf(graph: Graph): readonly string[] {
  const inputs = graph.nodes.flatMap(({ spec }) => (spec.kind === "from" ? [spec.dataset] : []));
  return [...new Set(inputs)];
}
