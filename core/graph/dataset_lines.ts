/**
 * Operations on strings as text: words and lines, and commands that read and write lines.
 */
import type { PipeCommand } from "../exec/context.ts";
import { checkOptions, show } from "./arguments.ts";
import type { Dataset } from "./dataset.ts";
import { DatasetNode, derive } from "./dataset_node.ts";

/**
 * Options of reading lines.
 *
 * @example Lines without their paths
 * ```ts
 * import { flow, type LinesOptions, run } from "luciole";
 * const options: LinesOptions = { withPath: false };
 * const first = flow("first-line", (f, p: { path: string }) => f.files(p.path).lines(options).limit(1));
 * await run(async (job) => {
 *   console.log(await (await job.execute(first, { path: import.meta.filename })).count()); // 1
 * });
 * ```
 */
export interface LinesOptions {
  /** Rows become `[path, line]`. Default false. */
  readonly withPath?: boolean;
}

/** Operations on text, on datasets of strings. */
export interface LineOperations {
  /**
   * Cuts lines into words at white space, on bytes: the fast form of a `flatMap` with `split`.
   *
   * @returns The words, none of them empty.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const words = flow("words", (f) => f.values([" to be ", "or"]).words());
   * await run(async (job) => {
   *   console.log(await (await job.execute(words)).collect()); // ["to", "be", "or"]
   * });
   * ```
   */
  words(this: Dataset<string>): Dataset<string>;

  /**
   * Reads the lines of the files whose paths are the rows, and tells where each line is from.
   *
   * @param options `withPath` true.
   * @returns Pairs `[path, line]`, file after file.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const lines = flow("lines", (f, p: { glob: string }) =>
   *   f.files(p.glob).lines({ withPath: true }).filter(([, line]) => line.startsWith("import")));
   * await run(async (job) => {
   *   const handle = await job.execute(lines, { glob: import.meta.filename });
   *   console.log(await handle.count()); // 1
   * });
   * ```
   */
  lines(
    this: Dataset<string>,
    options: LinesOptions & { readonly withPath: true },
  ): Dataset<[string, string]>;
  /**
   * Reads the lines of the files whose paths are the rows.
   *
   * @param options Nothing, or `withPath` false.
   * @returns The lines, file after file.
   */
  lines(this: Dataset<string>, options?: LinesOptions): Dataset<string>;

  /**
   * Sends the rows of each shard as lines through a command, and reads its output lines.
   *
   * @param command A string is run by the shell, an array of words directly.
   * @returns The lines that the command wrote.
   * @throws {TypeError} If the command is empty.
   * @example
   * ```ts
   * import { flow, run } from "luciole";
   * const upper = flow("upper", (f) => f.values(["a"]).pipe("tr a-z A-Z"));
   * await run(async (job) => {
   *   console.log(await (await job.execute(upper)).collect()); // ["A"]
   * });
   * ```
   */
  pipe(this: Dataset<string>, command: PipeCommand): Dataset<string>;
}

DatasetNode.prototype.words = function words(this: Dataset<unknown>) {
  return derive(this, { kind: "words" });
};
DatasetNode.prototype.lines = function lines<U>(this: Dataset<unknown>, options?: LinesOptions): Dataset<U> {
  const { withPath = false } = checkOptions("lines", options, ["withPath"]);
  return derive(this, { kind: "lines", withPath });
};
DatasetNode.prototype.pipe = function pipe(this: Dataset<unknown>, command) {
  const isCommand =
    typeof command === "string" ? command !== "" : Array.isArray(command) && command.length > 0;
  if (!isCommand) throw new TypeError(`Cannot use pipe: command must not be empty, got ${show(command)}`);
  return derive(this, { kind: "pipe", command });
};
