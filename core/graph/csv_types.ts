/**
 * The types of csv rows, and the checks of csv options.
 */
import { checkChoice, checkOptionalChoice } from "./arguments.ts";
import type { CsvOptions } from "./node.ts";

/** The type of each csv column, by name. */
export type CsvTypes = Readonly<Record<string, CsvType>>;

type CsvType = "string" | "number" | "boolean" | "date";

interface CsvValues {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly date: Date;
}

/**
 * A row of csv: exactly the declared columns, or, when no columns are declared,
 * the typed ones and a string under any other name.
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
