/**
 * The logical graph: frozen nodes, as the user wrote them.
 *
 * A node holds what the user gave, closures included; it knows nothing of shards,
 * workers or files. Node ids count from 0 in the order in which the builder made
 * them, so that every worker that calls the builder again finds the same ids.
 */
import type { PipeCommand } from "../exec/context.ts";

export type NodeId = number;

/**
 * The user's line that made a node.
 *
 * @example Telling where a flow is defined
 * ```ts
 * import { type CallSite, flow, run } from "luciole";
 * const show = (site: CallSite | undefined): string => (site === undefined ? "somewhere" : `line ${site.line}`);
 * const numbers = flow("call-site", (f) => f.range(2));
 * await run(async (job) => {
 *   console.log(show(numbers.callSite)); // line 3
 * });
 * ```
 */
export interface CallSite {
  /** Path of the source file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
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

/**
 * Options of reading csv.
 *
 * @example A file without a header that says its columns
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { type CsvOptions, flow, run } from "luciole";
 * const options = { header: false, columns: ["name", "age"], delimiter: ";" } as const satisfies CsvOptions;
 * const names = flow("no-header", (f) => f.csv("no-header.csv", options).map((row) => row.name));
 * await run(async (job) => {
 *   writeFileSync("no-header.csv", "Ann;30\n");
 *   console.log(await (await job.execute(names)).collect()); // ["Ann"]
 * });
 * ```
 */
export interface CsvOptions {
  /** First line holds the column names. Default true. */
  readonly header?: boolean;
  /** Names of the columns; only these are kept, when there is a header. */
  readonly columns?: readonly string[];
  /** Type of each column, by name. Default "string". */
  readonly types?: Readonly<Record<string, "string" | "number" | "boolean" | "date">>;
  /** One character between columns. Default ",". */
  readonly delimiter?: string;
  /** What to do with a malformed line. Default "fail". */
  readonly onError?: "fail" | "skip";
}

/**
 * Options of reading lines of JSON.
 *
 * @example Reading one property of wide rows
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { flow, type JsonlOptions, run } from "luciole";
 * const options: JsonlOptions = { columns: ["id"], onError: "fail" };
 * const rows = flow("some-json", (f) => f.jsonl("some.jsonl", options));
 * await run(async (job) => {
 *   writeFileSync("some.jsonl", '{"id":1,"text":"long"}\n');
 *   console.log(await (await job.execute(rows)).collect()); // [{ id: 1 }]
 * });
 * ```
 */
export interface JsonlOptions {
  /** Keep only these properties. */
  readonly columns?: readonly string[];
  /** What to do with a malformed line. Default "fail". */
  readonly onError?: "fail" | "skip";
}

/**
 * How files are cut into shards.
 *
 * @example Small files in several shards
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { flow, run, type SplitOptions } from "luciole";
 * const options: SplitOptions = { splitBytes: 8 };
 * const lines = flow("small-splits", (f) => f.text("splits.txt", options));
 * await run(async (job) => {
 *   writeFileSync("splits.txt", "one two\nthree f\n");
 *   console.log((await job.execute(lines)).shards); // 2
 * });
 * ```
 */
export interface SplitOptions {
  /** At least this many shards. */
  readonly shards?: number;
  /** Bytes of one split, at least 1. Default: chosen from the sizes and the number of workers. */
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
export type ClosureKind = "map" | "filter" | "flatMap" | "tap" | "mapShards" | "forEach";

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
  /** A worker program: `fn` runs on every worker of the set, and gives a row; its inputs are what it reads. */
  | { readonly kind: "worker"; readonly fn: UserFunction; readonly timeoutMs: number }
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
  /** By closure or, when `field` is set, by that property or tuple place of the row or of the value. */
  | {
      readonly kind: "keyBy" | "mapValues";
      readonly fn: UserFunction;
      readonly field?: string | number;
      readonly hasSide: boolean;
    }
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
  | { readonly kind: "sumByKey" | "minByKey" | "maxByKey" }
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
