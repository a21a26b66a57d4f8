/**
 * Operations that let rows leave the engine.
 *
 * A sink belongs to its execution even when the builder does not return it. Files
 * appear whole when the execution commits, or not at all.
 */
import { checkFunction, checkOptions, checkText } from "./arguments.ts";
import type { Dataset, Sink } from "./dataset.ts";
import { DatasetNode, deriveSink } from "./dataset_node.ts";
import type { SinkFormat, UserFunction } from "./node.ts";
import type { RowFunction } from "./row_types.ts";

/**
 * Options of every sink of files.
 *
 * An earlier output of Luciole (a directory with its `_SUCCESS` and nothing but its parts) is
 * replaced, and so is what is empty; anything else at the path is an error unless `overwrite`,
 * before anything runs. A symbolic link is followed; devices, pipes and the like are never written.
 *
 * @example One file, written anew by each run
 * ```ts
 * import { flow, run, type WriteOptions } from "luciole";
 * const options: WriteOptions = { single: true, overwrite: true };
 * const write = flow("one-file", (f) => f.values(["a"]).writeText("one-file.txt", options));
 * await run(async (job) => {
 *   const sink = await job.execute(write);
 *   console.log((await sink.result()).rows); // 1
 * });
 * ```
 */
export interface WriteOptions {
  /** One file at the path, not a directory of part files. Default false. */
  readonly single?: boolean;
  /** Replaces whatever file or directory is there, all that it holds included. Default false. */
  readonly overwrite?: boolean;
}

/**
 * Options of writing csv.
 *
 * @example Tabs between the columns
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { flow, run, type WriteCsvOptions } from "luciole";
 * const options: WriteCsvOptions = { columns: ["b", "a"], delimiter: "\t", single: true, overwrite: true };
 * const write = flow("write-tabs", (f) => f.values([{ a: 1, b: 2 }]).writeCsv("tabs.csv", options));
 * await run(async (job) => {
 *   await job.execute(write);
 *   console.log(readFileSync("tabs.csv", "utf8")); // b a 2 1
 * });
 * ```
 */
export interface WriteCsvOptions extends WriteOptions {
  /** Writes the column names first. Default true. */
  readonly header?: boolean;
  /** Columns in this order. Default: the properties of the first row. */
  readonly columns?: readonly string[];
  /** One character between columns. Default ",". */
  readonly delimiter?: string;
}

/** Operations that let rows leave the engine, on every dataset. */
export interface SinkOperations<T> {
  /**
   * Writes each row as a line of text.
   *
   * @param path A directory of part files, or with `single` one file.
   * @param line Makes the line of a row.
   * @param options `single`, `overwrite`.
   * @returns The sink, to be returned from the builder or not.
   * @throws {TypeError} If the path is empty.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const write = flow("write", (f, p: { out: string }) =>
   *   f.range(3).writeText(p.out, (n) => `line ${n}`, { overwrite: true }));
   * await run(async (job) => {
   *   const sink = await job.execute(write, { out: "lines-written" });
   *   console.log((await sink.result()).rows); // 3
   * });
   * ```
   */
  writeText(path: string, line: RowFunction<T, string>, options?: WriteOptions): Sink;
  /**
   * Writes each row, which must be a string, as a line of text.
   *
   * @param path A directory of part files, or with `single` one file.
   * @param options `single`, `overwrite`.
   * @returns The sink.
   * @throws {TypeError} If the path is empty.
   */
  writeText(this: Dataset<string>, path: string, options?: WriteOptions): Sink;

  /**
   * Writes rows as comma-separated values.
   *
   * @param path A directory of part files, or with `single` one file.
   * @param options Header, columns, delimiter, `single`, `overwrite`.
   * @returns The sink.
   * @example
   * ```ts
   * import { readFileSync } from "node:fs";
   * import { flow, run } from "luciole";
   * const write = flow("write-csv", (f, p: { out: string }) =>
   *   f.values([{ name: "Ann", age: 30 }]).writeCsv(p.out, { single: true, overwrite: true }));
   * await run(async (job) => {
   *   await job.execute(write, { out: "people.csv" });
   *   console.log(readFileSync("people.csv", "utf8")); // name,age Ann,30
   * });
   * ```
   */
  writeCsv(path: string, options?: WriteCsvOptions): Sink;

  /**
   * Writes each row as one line of JSON.
   *
   * @param path A directory of part files, or with `single` one file.
   * @returns The sink.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const write = flow("write-jsonl", (f, p: { out: string }) => f.values([{ n: 1 }]).writeJsonl(p.out, { overwrite: true }));
   * await run(async (job) => {
   *   const sink = await job.execute(write, { out: "rows-as-json" });
   *   console.log((await sink.result()).files); // ["part-00000.jsonl"]
   * });
   * ```
   */
  writeJsonl(path: string, options?: WriteOptions): Sink;

  /**
   * Writes rows of any type in Luciole's own columnar form, to be read again with `f.binary`.
   *
   * @param path A directory of part files, or with `single` one file.
   * @returns The sink.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const write = flow("write-binary", (f, p: { out: string }) =>
   *   f.values([["a", new Date(0)]]).writeBinary(p.out, { overwrite: true }));
   * const read = flow("read-binary", (f, p: { input: string }) => f.binary<[string, Date]>(p.input));
   * await run(async (job) => {
   *   await job.execute(write, { out: "rows-binary" });
   *   const [[key, date]] = await (await job.execute(read, { input: "rows-binary" })).collect();
   *   console.log(key, date.getTime()); // a 0
   * });
   * ```
   */
  writeBinary(path: string, options?: WriteOptions): Sink;

  /**
   * Calls a closure with each row, on the workers. A task that is tried again calls it again.
   *
   * @param fn Called for its effect.
   * @returns The sink.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const counted = flow("counted", (f) => f.range(2).forEach((_, ctx) => ctx.count("rows")));
   * await run(async (job) => {
   *   const { done } = job.start(counted);
   *   console.log((await done).counters.rows); // 2
   * });
   * ```
   */
  forEach(fn: RowFunction<T, unknown>): Sink;
}

function writeTo(
  dataset: Dataset<unknown>,
  operation: string,
  path: string,
  format: SinkFormat,
  options: WriteOptions,
): Sink {
  const spec = {
    kind: "sink",
    path: checkText(operation, "path", path),
    format: Object.freeze(format),
    isSingle: options.single ?? false,
    overwrite: options.overwrite ?? false,
  } as const;
  return deriveSink(dataset, spec);
}

const WRITE_OPTIONS = ["single", "overwrite"] as const;

DatasetNode.prototype.writeText = function writeText(
  path: string,
  second?: UserFunction | WriteOptions,
  third?: WriteOptions,
) {
  const line = typeof second === "function" ? second : undefined;
  const options = checkOptions("writeText", typeof second === "function" ? third : second, WRITE_OPTIONS);
  return writeTo(this, "writeText", path, { kind: "text", ...(line === undefined ? {} : { line }) }, options);
};
DatasetNode.prototype.writeCsv = function writeCsv(path, options) {
  const known = [...WRITE_OPTIONS, "header", "columns", "delimiter"] as const;
  const { header = true, columns, delimiter = ",", ...rest } = checkOptions("writeCsv", options, known);
  if (delimiter.length !== 1) {
    throw new TypeError(`Cannot use writeCsv: delimiter must be one character, got "${delimiter}"`);
  }
  const format = { kind: "csv", header, delimiter, ...(columns === undefined ? {} : { columns }) } as const;
  return writeTo(this, "writeCsv", path, format, rest);
};
DatasetNode.prototype.writeJsonl = function writeJsonl(path, options) {
  const checked = checkOptions("writeJsonl", options, WRITE_OPTIONS);
  return writeTo(this, "writeJsonl", path, { kind: "jsonl" }, checked);
};
DatasetNode.prototype.writeBinary = function writeBinary(path, options) {
  const checked = checkOptions("writeBinary", options, WRITE_OPTIONS);
  return writeTo(this, "writeBinary", path, { kind: "binary" }, checked);
};
DatasetNode.prototype.forEach = function forEach(fn) {
  const spec = { kind: "forEach", fn: checkFunction("forEach", "fn", fn), hasSide: false } as const;
  return deriveSink(this, spec);
};
