/**
 * Values of flags, and of the LUCIOLE_* variables behind them: text in, checked values out.
 *
 * Knows how to say what is wrong with one; which flags there are is up to whoever reads them.
 */
import { LucioleError } from "../errors.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** A flag that takes a value, or none when it is a boolean one, whose text is "true". */
export interface FlagSpec<T> {
  /** Without dashes: "data-dir". */
  readonly name: string;
  /** What its value must be, as messages say it: "a whole number from 1 to 4096". */
  readonly expected: string;
  /** Undefined for what is no such value. */
  readonly parse: (text: string) => T | undefined;
}

/** `--data-dir` is LUCIOLE_DATA_DIR. */
export function variableOf(flag: string): string {
  return `LUCIOLE_${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** Reads one flag after the other; a flag wins over its variable. */
export class FlagReader {
  readonly #texts: Variables;
  readonly #variables: Variables;

  /** @param texts Values of flags as text, by name. */
  constructor(texts: Variables, variables: Variables) {
    this.#texts = texts;
    this.#variables = variables;
  }

  /** @throws {LucioleError} code "usage"; the message names the flag or the variable. */
  read<T>({ name, expected, parse }: FlagSpec<T>): T | undefined {
    const variable = variableOf(name);
    // An empty variable counts as unset: that is how shells clear one for a single command.
    const behind = this.#variables[variable] === "" ? undefined : this.#variables[variable];
    const text = this.#texts[name] ?? behind;
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value !== undefined) return value;
    const where = this.#texts[name] === undefined ? variable : `--${name}`;
    throw new LucioleError("usage", `Cannot read ${where}: expected ${expected}, got "${text}"`);
  }
}

/** Whole numbers in a range, written with digits only. */
export function wholeNumber(least: number, most: number): Pick<FlagSpec<number>, "expected" | "parse"> {
  return {
    expected: `a whole number from ${least} to ${most}`,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

/** A number, or the bounds of several: `4`, or `2..16`. */
export interface NumberRange {
  readonly least: number;
  /** Missing where one number is given. */
  readonly most?: number;
}

/** Whole numbers in a range, or a range of these. @param example For messages. */
export function wholeNumbers(
  least: number,
  most: number,
  example: string,
): Pick<FlagSpec<NumberRange>, "expected" | "parse"> {
  const one = wholeNumber(least, most);
  return {
    expected: `${one.expected}, or a range of them such as "${example}"`,
    parse: (text) => {
      const [low, high, ...more] = text.split("..").map(one.parse);
      if (low === undefined || more.length > 0) return undefined;
      if (!text.includes("..")) return { least: low };
      return high === undefined || high < low ? undefined : { least: low, most: high };
    },
  };
}

export const TRUTH: Pick<FlagSpec<boolean>, "expected" | "parse"> = {
  expected: "true or false",
  parse: (text) => {
    if (/^(true|1|yes|on)$/i.test(text)) return true;
    return /^(false|0|no|off)$/i.test(text) ? false : undefined;
  },
};

/** One of several words. */
export function oneOf<T extends string>(words: readonly T[]): Pick<FlagSpec<T>, "expected" | "parse"> {
  return {
    expected: `one of ${words.join(", ")}`,
    parse: (text) => words.find((word) => word === text),
  };
}

/** Any text that is not empty, such as a path. */
export function anyText(expected: string): Pick<FlagSpec<string>, "expected" | "parse"> {
  return { expected, parse: (text) => (text.trim() === "" ? undefined : text) };
}
