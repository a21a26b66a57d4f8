/**
 * The classes behind datasets, broadcasts and sinks: names of a graph's nodes.
 *
 * Their operations are put on DatasetNode's prototype by the `dataset_*.ts` of each family.
 * Nothing here runs or plans.
 */
import { PlanError } from "../errors.ts";
import { show } from "./arguments.ts";
import { formatCallSite } from "./call_site.ts";
import type { Broadcast, Dataset, Sink } from "./dataset.ts";
import type { NodeId, NodeSpec } from "./node.ts";
import type { Recorder } from "./recorder.ts";

class Placed<T> {
  /** Ties T to the class; there is no such property. */
  declare readonly row: T;
  readonly recorder: Recorder;
  readonly node: NodeId;

  constructor(recorder: Recorder, node: NodeId) {
    this.recorder = recorder;
    this.node = node;
  }
}

// The public types have what the classes get elsewhere: methods by the families, and brands that do not exist.

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: each family defines its methods on the prototype
export class DatasetNode<T> extends Placed<T> {}
export interface DatasetNode<T> extends Dataset<T> {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: its brand does not exist
export class BroadcastNode<T> extends Placed<T> {}
export interface BroadcastNode<T> extends Broadcast<T> {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: its brand does not exist
export class SinkNode extends Placed<never> {}
export interface SinkNode extends Sink {}

/**
 * The node that a dataset, broadcast or sink names.
 *
 * @throws {TypeError} If it is none of them.
 */
export function placeOf(value: unknown): Placed<unknown> {
  if (value instanceof Placed) return value;
  throw new TypeError(`Cannot use a dataset's operation: it must be called on a Dataset, got ${show(value)}`);
}

/** Adds a node that reads `input` and, after it, `others`. */
function addNode(input: Placed<unknown>, spec: NodeSpec, others: readonly unknown[] = []): NodeId {
  const places = others.map(placeOf);
  for (const other of places) {
    if (other.recorder === input.recorder) continue;
    throw new PlanError(
      `Cannot use ${spec.kind} in flow "${input.recorder.flow}" at ${formatCallSite(input.recorder.callSite([input.node]))}: ` +
        `a dataset of another graph (flow "${other.recorder.flow}") was given; pass its handle in the parameters and use f.from`,
    );
  }
  return input.recorder.add(spec, [input.node, ...places.map((other) => other.node)]);
}

/** Makes the dataset of a new node that reads `input` and, after it, `others`. */
export function derive<U>(
  input: Dataset<unknown>,
  spec: NodeSpec,
  others: readonly (Dataset<unknown> | Broadcast<unknown>)[] = [],
): Dataset<U> {
  const place = placeOf(input);
  return new DatasetNode<U>(place.recorder, addNode(place, spec, others));
}

/** Makes the broadcast of a dataset. */
export function deriveBroadcast<T>(input: Dataset<T>): Broadcast<T> {
  const place = placeOf(input);
  return new BroadcastNode<T>(place.recorder, addNode(place, { kind: "broadcast" }));
}

/** Makes the sink of a new node. */
export function deriveSink(input: Dataset<unknown>, spec: NodeSpec): Sink {
  const place = placeOf(input);
  return new SinkNode(place.recorder, addNode(place, spec));
}

/** @throws {TypeError} If a value is not a dataset. */
export function checkDataset(operation: string, name: string, value: unknown): Dataset<unknown> {
  if (value instanceof DatasetNode) return value;
  throw new TypeError(`Cannot use ${operation}: ${name} must be a Dataset, got ${show(value)}`);
}
