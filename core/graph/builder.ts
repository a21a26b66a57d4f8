/**
 * The `f` of a flow: every source of rows.
 *
 * It records source nodes and checks what they are given; files are looked for
 * only when the driver plans. The operations of datasets are loaded from here.
 */
import "../plan/dataset_plan.ts";
import { type DatasetInput, DatasetRef } from "../program/dataset_ref.ts";
import { checkFunction, checkOptionalWhole, checkOptions, checkText, checkWhole, show } from "./arguments.ts";
import { type CsvRow, type CsvTypes, checkCsvOptions, checkOnError } from "./csv_types.ts";
import type { Dataset } from "./dataset.ts";
import "./dataset_joins.ts";
import "./dataset_keys.ts";
import "./dataset_marks.ts";
import { DatasetNode } from "./dataset_node.ts";
import "./dataset_order.ts";
import "./dataset_placement.ts";
import "./dataset_lines.ts";
import "./dataset_pairs.ts";
import "./dataset_rows.ts";
import "./dataset_sinks.ts";
import "./dataset_whole.ts";
import type { CsvOptions, JsonlOptions, NodeSpec, SplitOptions } from "./node.ts";
import type { Recorder } from "./recorder.ts";
import type { GenerateFunction, Row } from "./row_types.ts";

/**
 * Options of sources that are made in memory.
 *
 * @example Rows in a number of shards
 * ```ts
 * import { flow, run, type ShardsOptions } from "luciole";
 * const options: ShardsOptions = { shards: 3 };
 * const numbers = flow("in-shards", (f) => f.range(9, options));
 * await run(async (job) => {
 *   console.log((await job.execute(numbers)).shards); // 3
 * });
 * ```
 */
export interface ShardsOptions {
  /** Number of shards, at least 1. Default: chosen from the size. */
  readonly shards?: number;
}

const SPLIT_OPTIONS = ["shards", "splitBytes"] as const;

/** Makes a builder that records in a graph. */
export let createBuilder: (recorder: Recorder) => FlowBuilder;

/** Adds a worker program that reads datasets; the engine's own operation behind `worker()`. */
export let addProgram: <R>(
  f: FlowBuilder,
  spec: NodeSpec & { readonly kind: "worker" },
  inputs: readonly DatasetRef[],
) => Dataset<R>;

/**
 * Makes the datasets that a flow begins with.
 *
 * @example Naming the builder's type in a function of one's own
 * ```ts
 * import { type Dataset, flow, type FlowBuilder, run } from "luciole";
 * const evens = (f: FlowBuilder, n: number): Dataset<number> => f.range(n).map((i) => 2 * i);
 * const total = flow("sum-of-evens", (f) => evens(f, 4).sum());
 * await run(async (job) => {
 *   console.log(await (await job.execute(total)).collect()); // [12]
 * });
 * ```
 */
export class FlowBuilder {
  readonly #recorder: Recorder;

  static {
    createBuilder = (recorder) => new FlowBuilder(recorder);
    addProgram = <R>(
      f: FlowBuilder,
      spec: NodeSpec & { readonly kind: "worker" },
      inputs: readonly DatasetRef[],
    ) => {
      const reads = inputs.map((input) => f.#recorder.add(fromSpec(input), []));
      return new DatasetNode<R>(f.#recorder, f.#recorder.add(spec, reads));
    };
  }

  private constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /**
   * Reads the lines of text files, without their line ends.
   *
   * @param path A path or glob. Files that end in .gz or .zst are unpacked, told by their content.
   * @param options At least so many shards, or the bytes of one split.
   * @returns One row for each line.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const imports = flow("text", (f, p: { input: string }) =>
   *   f.text(p.input).filter((line) => line.startsWith("import")).count());
   * await run(async (job) => {
   *   console.log(await (await job.execute(imports, { input: import.meta.filename })).collect()); // [1]
   * });
   * ```
   */
  text(path: string, options?: SplitOptions): Dataset<string> {
    return this.#add({
      kind: "text",
      path: checkText("text", "path", path),
      split: checkSplit("text", options),
    });
  }

  /**
   * Reads files of comma-separated values.
   *
   * @param path A path or glob.
   * @param options Whether there is a header, the columns to keep, their types, the delimiter.
   * @returns One object for each line; columns without a declared type are strings.
   * @example
   * ```ts
   * import { writeFileSync } from "node:fs";
   * import { flow, run } from "luciole";
   * const ages = flow("csv", (f, p: { input: string }) =>
   *   f.csv(p.input, { columns: ["name", "age"], types: { age: "number" } }).map((row) => row.age).mean());
   * await run(async (job) => {
   *   writeFileSync("ages.csv", "name,age\nAnn,30\nBo,40\n");
   *   console.log(await (await job.execute(ages, { input: "ages.csv" })).collect()); // [35]
   * });
   * ```
   */
  csv<const C extends string = string, const T extends CsvTypes = Record<never, never>>(
    path: string,
    options?: Omit<CsvOptions, "columns" | "types"> &
      SplitOptions & { readonly columns?: readonly C[]; readonly types?: T },
  ): Dataset<CsvRow<C, T>> {
    const known = ["header", "columns", "types", "delimiter", "onError", ...SPLIT_OPTIONS] as const;
    const { shards, splitBytes, ...rest } = checkOptions("csv", options, known);
    return this.#add({
      kind: "csv",
      path: checkText("csv", "path", path),
      options: checkCsvOptions(rest),
      split: checkSplit("csv", { shards, splitBytes }),
    });
  }

  /**
   * Reads files with one JSON value on each line.
   *
   * @param path A path or glob.
   * @param options The properties to keep, and what to do with a malformed line.
   * @returns One row for each line, taken to be of type T.
   * @example
   * ```ts
   * import { writeFileSync } from "node:fs";
   * import { flow, run } from "luciole";
   * const ids = flow("jsonl", (f, p: { input: string }) => f.jsonl<{ id: number }>(p.input).map((row) => row.id));
   * await run(async (job) => {
   *   writeFileSync("ids.jsonl", '{"id":7}\n{"id":8}\n');
   *   console.log(await (await job.execute(ids, { input: "ids.jsonl" })).collect()); // [7, 8]
   * });
   * ```
   */
  jsonl<T = unknown>(path: string, options?: JsonlOptions & SplitOptions): Dataset<T> {
    const known = ["columns", "onError", ...SPLIT_OPTIONS] as const;
    const { shards, splitBytes, ...rest } = checkOptions("jsonl", options, known);
    checkOnError("jsonl", rest.onError);
    return this.#add({
      kind: "jsonl",
      path: checkText("jsonl", "path", path),
      options: Object.freeze(rest),
      split: checkSplit("jsonl", { shards, splitBytes }),
    });
  }

  /**
   * Reads what `writeBinary` or `handle.persist` wrote: rows exactly as they were, of any type.
   *
   * @param path The directory, a file or a glob.
   * @param options At least so many shards, or the bytes of one split.
   * @returns The rows; say their type, which the files do not tell the compiler.
   * @example
   * ```ts
   * import { mkdtempSync, rmSync } from "node:fs";
   * import { tmpdir } from "node:os";
   * import { join } from "node:path";
   * import { flow, run } from "luciole";
   * const read = flow("binary", (f, p: { input: string }) => f.binary<[string, Date]>(p.input).keys());
   * const write = flow("binary-out", (f, p: { out: string }) => f.values([["a", new Date(0)]]).writeBinary(p.out));
   * await run(async (job) => {
   *   const folder = mkdtempSync(join(tmpdir(), "luciole-example-"));
   *   const out = join(folder, "rows");
   *   await job.execute(write, { out });
   *   console.log(await (await job.execute(read, { input: out })).collect()); // ["a"]
   *   rmSync(folder, { recursive: true });
   * });
   * ```
   */
  binary<T = unknown>(path: string, options?: SplitOptions): Dataset<T> {
    const split = checkSplit("binary", options);
    return this.#add({ kind: "binary", path: checkText("binary", "path", path), split });
  }

  /**
   * Lists files.
   *
   * @param glob A path or glob.
   * @param options How many shards.
   * @returns One row for each path, in sorted order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const names = flow("files", (f, p: { glob: string }) => f.files(p.glob));
   * await run(async (job) => {
   *   console.log(await (await job.execute(names, { glob: import.meta.filename })).count()); // 1
   * });
   * ```
   */
  files(glob: string, options?: SplitOptions): Dataset<string> {
    const split = checkSplit("files", options);
    return this.#add({ kind: "files", path: checkText("files", "glob", glob), split });
  }

  /**
   * Counts: `range(3)` gives 0, 1, 2; `range(2, 5)` gives 2, 3, 4.
   *
   * @param first The number of rows.
   * @returns Whole numbers in order, from 0.
   * @throws {RangeError} If it is not a whole number of at least 0.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const numbers = flow("range", (f) => f.range(2, 5));
   * await run(async (job) => {
   *   console.log(await (await job.execute(numbers)).collect()); // [2, 3, 4]
   * });
   * ```
   */
  range(first: number, options?: ShardsOptions): Dataset<number>;
  /**
   * Counts from a number up to, and without, another one.
   *
   * @param first The first number.
   * @param second The number after the last.
   * @returns Whole numbers in order.
   * @throws {RangeError} If a bound is not a whole number, or the last comes before the first.
   */
  range(first: number, second: number, options?: ShardsOptions): Dataset<number>;
  range(first: number, second?: number | ShardsOptions, third?: ShardsOptions): Dataset<number> {
    const isPair = typeof second === "number";
    const name = isPair ? "from" : "n";
    const bound = checkWhole("range", name, first, isPair ? Number.MIN_SAFE_INTEGER : 0);
    const [from, to] = isPair ? [bound, checkWhole("range", "to", second, bound)] : [0, bound];
    return this.#add({ kind: "range", from, to, ...checkShards("range", isPair ? third : second) });
  }

  /**
   * Takes rows from an array. It belongs to the program, so every worker has it already.
   *
   * @param rows The rows.
   * @param options The number of shards.
   * @returns The rows in order.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const some = flow("some-values", (f) => f.values(["a", "b", "c"], { shards: 2 }));
   * await run(async (job) => {
   *   console.log(await (await job.execute(some)).collect()); // ["a", "b", "c"]
   * });
   * ```
   */
  values<T extends Row>(rows: readonly T[], options?: ShardsOptions): Dataset<T> {
    if (!Array.isArray(rows)) {
      throw new TypeError(`Cannot use values: rows must be an array, got ${show(rows)}`);
    }
    return this.#add({ kind: "array", values: rows, ...checkShards("values", options) });
  }

  /**
   * Makes rows with a generator, one call for each shard.
   *
   * @param shards Number of shards, at least 1.
   * @param fn Gets the number of the shard and the task's context.
   * @returns What the generators yield.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const made = flow("made", (f) =>
   *   f.generate(2, async function* (shard) {
   *     yield `row of shard ${shard}`;
   *   }));
   * await run(async (job) => {
   *   console.log(await (await job.execute(made)).count()); // 2
   * });
   * ```
   */
  generate<T extends Row>(shards: number, fn: GenerateFunction<T>): Dataset<T> {
    return this.#add({
      kind: "generate",
      shards: checkWhole("generate", "shards", shards, 1),
      fn: checkFunction("generate", "fn", fn),
    });
  }

  /**
   * Goes on from a dataset of an earlier execution, or from a channel, that was given in the parameters.
   *
   * @param input A handle or channel of the parameters.
   * @returns Its rows.
   * @throws {TypeError} If it is neither.
   * @example
   * ```ts
   * import { type DatasetInput, flow, run } from "luciole";
   * const first = flow("first-part", (f) => f.range(4));
   * const second = flow("second-part", (f, p: { rows: DatasetInput<number> }) => f.from(p.rows).sum());
   * await run(async (job) => {
   *   const rows = await job.execute(first);
   *   console.log(await (await job.execute(second, { rows })).collect()); // [6]
   * });
   * ```
   */
  from<T>(input: DatasetInput<T>): Dataset<T> {
    const ref = input?.ref;
    if (!(ref instanceof DatasetRef)) {
      throw new TypeError(`Cannot use from: input must be a dataset handle or a channel, got ${show(input)}`);
    }
    return this.#add(fromSpec(ref));
  }

  #add<T>(spec: NodeSpec): Dataset<T> {
    return new DatasetNode<T>(this.#recorder, this.#recorder.add(spec, []));
  }
}

function fromSpec({ id: dataset, shards, bytes, rows }: DatasetRef): NodeSpec {
  return { kind: "from", dataset, shards, bytes, rows };
}

function checkSplit(operation: string, options: SplitOptions | undefined): SplitOptions {
  const { shards, splitBytes } = checkOptions(operation, options, SPLIT_OPTIONS);
  checkOptionalWhole(operation, "shards", shards, 1);
  checkOptionalWhole(operation, "splitBytes", splitBytes, 1);
  return Object.freeze({
    ...(shards === undefined ? {} : { shards }),
    ...(splitBytes === undefined ? {} : { splitBytes }),
  });
}

function checkShards(operation: string, options: ShardsOptions | undefined): { shards?: number } {
  const { shards } = checkOptions(operation, options, ["shards"]);
  const checked = checkOptionalWhole(operation, "shards", shards, 1);
  return checked === undefined ? {} : { shards: checked };
}
