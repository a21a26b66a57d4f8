/**
 * The logical graph: frozen nodes, as the user wrote them.
 *
 * A node holds what the user gave, closures included; it knows nothing of shards,
 * workers or files. Node ids count from 0 in the order in which the builder made
 * them, so that every worker that calls the builder again finds the same ids.
 */
import type { PipeCommand } from "../exec/context.ts";

export type NodeId = number;

/** The user's line that made a node. */
export interface CallSite {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Latency = "short" | "long";

/** What the user said about a dataset beside its content. */
export interface Marks {
  readonly name?: string;
  readonly cache?: boolean;
  readonly storage?: "memory" | "disk";
  readonly checkpoint?: boolean;
  readonly hint?: { readonly rows?: number; readonly bytes?: number; readonly latency?: Latency };
}

// biome-ignore lint/suspicious/noExplicitAny: user closures are typed at the Dataset, not in the graph
export type UserFunction = (...args: any[]) => any;

export interface CsvOptions {
  /** First line holds the column names. Default true. */
  readonly header?: boolean;
  /** Names of the columns; only these are kept, when there is a header. */
  readonly columns?: readonly string[];
  /** Type of each column, by name. Default "string". */
  readonly types?: Readonly<Record<string, "string" | "number" | "boolean" | "date">>;
  readonly delimiter?: string;
  /** What to do with a malformed line. Default "fail". */
  readonly onError?: "fail" | "skip";
}

export interface JsonlOptions {
  /** Keep only these properties. */
  readonly columns?: readonly string[];
  readonly onError?: "fail" | "skip";
}

export interface SplitOptions {
  /** At least this many shards. */
  readonly shards?: number;
  /** Bytes of one split. */
  readonly splitBytes?: number;
}

export type SinkFormat =
  | { readonly kind: "text"; readonly line?: UserFunction }
  | {
      readonly kind: "csv";
      readonly header: boolean;
      readonly columns?: readonly string[];
      readonly delimiter: string;
    }
  | { readonly kind: "jsonl" }
  | { readonly kind: "binary" };

/** Kinds whose whole meaning is `fn`. */
export type ClosureKind =
  | "map"
  | "filter"
  | "flatMap"
  | "tap"
  | "mapValues"
  | "keyBy"
  | "mapShards"
  | "forEach";

export type NodeSpec =
  | { readonly kind: "text" | "binary"; readonly path: string; readonly split: SplitOptions }
  | {
      readonly kind: "csv";
      readonly path: string;
      readonly options: CsvOptions;
      readonly split: SplitOptions;
    }
  | {
      readonly kind: "jsonl";
      readonly path: string;
      readonly options: JsonlOptions;
      readonly split: SplitOptions;
    }
  | { readonly kind: "files"; readonly path: string; readonly split: SplitOptions }
  | { readonly kind: "range"; readonly from: number; readonly to: number; readonly shards?: number }
  | { readonly kind: "array"; readonly values: readonly unknown[]; readonly shards?: number }
  | { readonly kind: "generate"; readonly shards: number; readonly fn: UserFunction }
  /** A dataset of the job, or a channel, by id. */
  | {
      readonly kind: "from";
      readonly dataset: string;
      readonly shards: number;
      readonly bytes: number;
      readonly rows: number;
    }
  /** Lines of the files whose paths are the input rows. */
  | { readonly kind: "lines"; readonly withPath: boolean }
  | { readonly kind: ClosureKind; readonly fn: UserFunction; readonly hasSide: boolean }
  | { readonly kind: "keys" | "values" | "words" | "zipWithIndex" | "distinct" | "countByValue" }
  | { readonly kind: "sample"; readonly fraction: number; readonly seed: number }
  | { readonly kind: "pipe"; readonly command: PipeCommand }
  | { readonly kind: "repartition" | "roundRobin" | "coalesce" | "partitionByKey"; readonly shards: number }
  | { readonly kind: "partitionBy"; readonly fn: UserFunction; readonly shards: number }
  | { readonly kind: "union" }
  | { readonly kind: "reduceByKey" | "localReduceByKey"; readonly fn: UserFunction }
  | {
      readonly kind: "aggregateByKey" | "aggregate";
      readonly zero: UserFunction;
      readonly add: UserFunction;
      readonly merge: UserFunction;
    }
  | { readonly kind: "groupByKey" | "localGroupByKey" | "countByKey" | "cogroup" }
  | {
      readonly kind: "join";
      readonly how: "inner" | "left" | "right" | "full";
      readonly strategy: "auto" | "hash" | "sort-merge" | "broadcast";
    }
  | { readonly kind: "reduce"; readonly fn: UserFunction }
  | { readonly kind: "count" | "sum" | "min" | "max" | "mean" | "stats" }
  | { readonly kind: "sortByKey"; readonly descending: boolean; readonly shards?: number }
  /** By key closure or, when `field` is set, by that property or tuple place. */
  | {
      readonly kind: "sortBy";
      readonly fn: UserFunction;
      readonly field?: string | number;
      readonly descending: boolean;
      readonly shards?: number;
    }
  | {
      readonly kind: "sort" | "localSort";
      readonly fn?: UserFunction;
      readonly descending: boolean;
      readonly shards?: number;
    }
  /** Merges shards that are sorted already by `fn` (a compare function, or by value). */
  | {
      readonly kind: "mergeSorted";
      readonly fn?: UserFunction;
      readonly descending: boolean;
      readonly shards: number;
    }
  /** The n largest by `fn` (a key; the row itself when missing). */
  | { readonly kind: "top"; readonly n: number; readonly fn?: UserFunction; readonly ascending: boolean }
  | { readonly kind: "limit"; readonly n: number; readonly isFirst: boolean }
  /** Marks the input; plans as its input. */
  | { readonly kind: "mark"; readonly marks: Marks }
  /** Every task that reads it reads all of it. */
  | { readonly kind: "broadcast" }
  | {
      readonly kind: "sink";
      readonly path: string;
      readonly format: SinkFormat;
      readonly isSingle: boolean;
      readonly overwrite: boolean;
    };

export type NodeKind = NodeSpec["kind"];

/** A dataset of the graph. Joins have two inputs [left, right]; a closure with a side has [rows, side]. */
export type GraphNode = Readonly<{
  id: NodeId;
  inputs: readonly NodeId[];
  callSite: CallSite | undefined;
  spec: NodeSpec;
}>;

export interface Graph {
  readonly flow: string;
  readonly nodes: readonly GraphNode[];
  /** Nodes that become handles of the execution. */
  readonly outputs: readonly NodeId[];
}
