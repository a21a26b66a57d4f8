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

/** Options of every sink of files. */
export interface WriteOptions {
  /** One file at the path, not a directory of part files. Default false. */
  readonly single?: boolean;
  /** Replaces what is there. Default false: an existing output is an error. */
  readonly overwrite?: boolean;
}

/** Options of writing csv. */
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
   * @param line Makes the line of a row. Default: the row as a string.
   * @returns The sink, to be returned from the builder or not.
   * @throws {TypeError} If the path is empty.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const write = flow("write", (f, p: { out: string }) =>
   *   f.range(3).writeText(p.out, (n) => `line ${n}`));
   * await run(async (job) => {
   *   if (job.args[0] !== undefined) await job.execute(write, { out: job.args[0] });
   * });
   * ```
   */
  writeText(path: string, line: RowFunction<T, string>, options?: WriteOptions): Sink;
  writeText(path: string, options?: WriteOptions): Sink;

  /**
   * Writes rows as comma-separated values.
   *
   * @param path A directory of part files, or with `single` one file.
   * @param options Header, columns, delimiter, `single`, `overwrite`.
   * @returns The sink.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const write = flow("write-csv", (f, p: { out: string }) =>
   *   f.values([{ name: "Ann", age: 30 }]).writeCsv(p.out, { single: true }));
   * await run(async (job) => {
   *   if (job.args[0] !== undefined) await job.execute(write, { out: job.args[0] });
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
   * const write = flow("write-jsonl", (f, p: { out: string }) => f.values([{ n: 1 }]).writeJsonl(p.out));
   * await run(async (job) => {
   *   if (job.args[0] !== undefined) await job.execute(write, { out: job.args[0] });
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
   * const write = flow("write-binary", (f, p: { out: string }) => f.values([["a", new Date(0)]]).writeBinary(p.out));
   * await run(async (job) => {
   *   if (job.args[0] !== undefined) await job.execute(write, { out: job.args[0] });
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
   *   await job.execute(counted);
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
