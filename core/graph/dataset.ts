/**
 * Datasets as users hold them while they build a flow.
 *
 * A dataset is the name of a node; every operation adds a node and is defined by
 * its family in a `dataset_*.ts` beside this file. Nothing here runs or plans.
 */
import { PlanError } from "../errors.ts";
import { show } from "./arguments.ts";
import { formatCallSite } from "./call_site.ts";
import type { NodeId, NodeSpec } from "./node.ts";
import type { Recorder } from "./recorder.ts";

declare const ROW: unique symbol;

/** An immutable, partitioned collection of rows of type T, described but not yet computed. */
export class Dataset<T> {
  declare readonly [ROW]: T;
  /** The graph that it belongs to; for the engine. */
  readonly recorder: Recorder;
  /** Its node in that graph; for the engine. */
  readonly node: NodeId;

  constructor(recorder: Recorder, node: NodeId) {
    this.recorder = recorder;
    this.node = node;
  }
}

/** A small dataset that every task reads whole, given to closures as `{ with: broadcast }`. */
export class Broadcast<T> {
  declare readonly [ROW]: T;
  /** The graph that it belongs to; for the engine. */
  readonly recorder: Recorder;
  /** Its node in that graph; for the engine. */
  readonly node: NodeId;

  constructor(recorder: Recorder, node: NodeId) {
    this.recorder = recorder;
    this.node = node;
  }
}

/** An output that leaves the engine: files, or a closure that consumes the rows. */
export class Sink {
  /** The graph that it belongs to; for the engine. */
  readonly recorder: Recorder;
  /** Its node in that graph; for the engine. */
  readonly node: NodeId;

  constructor(recorder: Recorder, node: NodeId) {
    this.recorder = recorder;
    this.node = node;
  }
}

interface Placed {
  readonly recorder: Recorder;
  readonly node: NodeId;
}

/** Adds a node that reads `input` and, after it, `others`. */
export function addNode(input: Placed, spec: NodeSpec, others: readonly Placed[] = []): NodeId {
  for (const other of others) {
    if (other.recorder === input.recorder) continue;
    throw new PlanError(
      `Cannot use ${spec.kind} in flow "${input.recorder.flow}" at ${formatCallSite(input.recorder.callSite([input.node]))}: ` +
        `a dataset of another graph (flow "${other.recorder.flow}") was given; pass its handle in the parameters and use f.from`,
    );
  }
  return input.recorder.add(spec, [input.node, ...others.map((other) => other.node)]);
}

/** Makes the dataset of a new node. */
export function derive<U>(input: Placed, spec: NodeSpec, others: readonly Placed[] = []): Dataset<U> {
  return new Dataset<U>(input.recorder, addNode(input, spec, others));
}

/** @throws {TypeError} If a value is not a dataset. */
export function checkDataset(operation: string, name: string, value: unknown): Dataset<unknown> {
  if (value instanceof Dataset) return value;
  throw new TypeError(`Cannot use ${operation}: ${name} must be a Dataset, got ${show(value)}`);
}
