/**
 * The types of csv rows, and the checks of csv options.
 */
import { checkChoice, checkOptionalChoice } from "./arguments.ts";
import type { CsvOptions } from "./node.ts";

/**
 * The type of each csv column, by name.
 *
 * @example Declaring types once for several files
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { type CsvTypes, flow, run } from "luciole";
 * const types = { age: "number" } as const satisfies CsvTypes;
 * const ages = flow("csv-types", (f, p: { input: string }) => f.csv(p.input, { types }).map((row) => row.age));
 * await run(async (job) => {
 *   writeFileSync("csv-types.csv", "name,age\nAnn,30\n");
 *   console.log(await (await job.execute(ages, { input: "csv-types.csv" })).collect()); // [30]
 * });
 * ```
 */
export type CsvTypes = Readonly<Record<string, CsvType>>;

/**
 * How the text of a csv column is read; dates are in ISO 8601.
 *
 * @example A column type chosen by its name
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { type CsvType, flow, run } from "luciole";
 * const typeOf = (column: string): CsvType => (column.endsWith("_at") ? "date" : "string");
 * const years = flow("years", (f) =>
 *   f.csv("years.csv", { types: { born_at: typeOf("born_at") } }).map((row) => (row.born_at as Date).getUTCFullYear()));
 * await run(async (job) => {
 *   writeFileSync("years.csv", "born_at\n1999-12-31\n");
 *   console.log(await (await job.execute(years)).collect()); // [1999]
 * });
 * ```
 */
export type CsvType = "string" | "number" | "boolean" | "date";

/**
 * What each type of a csv column gives.
 *
 * @example The type of one column
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { type CsvValues, flow, run } from "luciole";
 * const double = (n: CsvValues["number"]): number => 2 * n;
 * const doubled = flow("csv-values", (f) =>
 *   f.csv("values.csv", { columns: ["n"], types: { n: "number" } }).map((row) => double(row.n)));
 * await run(async (job) => {
 *   writeFileSync("values.csv", "n\n21\n");
 *   console.log(await (await job.execute(doubled)).collect()); // [42]
 * });
 * ```
 */
export interface CsvValues {
  /** The text as it is. */
  readonly string: string;
  /** A decimal number. */
  readonly number: number;
  /** true or false. */
  readonly boolean: boolean;
  /** A point in time. */
  readonly date: Date;
}

/**
 * A row of csv: exactly the declared columns, or, when no columns are declared,
 * the typed ones and a string under any other name.
 *
 * @example Naming the type of a row
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { type CsvRow, flow, run } from "luciole";
 * type Person = CsvRow<"name" | "age", { age: "number" }>;
 * const greet = (person: Person): string => `${person.name} is ${person.age + 1} soon`;
 * const greetings = flow("csv-rows", (f, p: { input: string }) =>
 *   f.csv(p.input, { columns: ["name", "age"], types: { age: "number" } }).map((row) => greet(row)));
 * await run(async (job) => {
 *   writeFileSync("csv-rows.csv", "name,age\nAnn,30\n");
 *   console.log(await (await job.execute(greetings, { input: "csv-rows.csv" })).collect()); // ["Ann is 31 soon"]
 * });
 * ```
 */
export type CsvRow<C extends string, T extends CsvTypes> = string extends C
  ? keyof T extends never
    ? Record<string, string>
    : { [N in keyof T]: CsvValues[T[N]] } & Record<Exclude<string, keyof T>, CsvValues[CsvType]>
  : { [N in C]: N extends keyof T ? CsvValues[T[N]] : string };

const TYPES = ["string", "number", "boolean", "date"] as const;

/** @throws {TypeError} If a type, the delimiter or `onError` is not one that is known. */
export function checkCsvOptions(options: CsvOptions): CsvOptions {
  for (const [name, type] of Object.entries(options.types ?? {})) {
    checkChoice("csv", `types.${name}`, type, TYPES);
  }
  for (const name of Object.keys(options.types ?? {})) {
    if (options.columns === undefined || options.columns.includes(name)) continue;
    throw new TypeError(
      `Cannot use csv: types.${name} is not one of the columns ${options.columns.join(", ")}`,
    );
  }
  const { delimiter } = options;
  if (delimiter !== undefined && (typeof delimiter !== "string" || delimiter.length !== 1)) {
    throw new TypeError(`Cannot use csv: delimiter must be one character, got "${delimiter}"`);
  }
  checkOnError("csv", options.onError);
  return Object.freeze(options);
}

/** @throws {TypeError} If it is given and neither "fail" nor "skip". */
export function checkOnError(operation: string, value: unknown): void {
  checkOptionalChoice(operation, "onError", value, ["fail", "skip"]);
}
