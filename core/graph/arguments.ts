/**
 * Checks of what users pass to the operations, at the call.
 *
 * Every message names the operation, the parameter and the value. Nothing here
 * knows what the operations do.
 */
import type { UserFunction } from "./node.ts";

/** @throws {TypeError} If the value is not a function. */
export function checkFunction(operation: string, name: string, value: unknown): UserFunction {
  if (typeof value === "function") return value as UserFunction;
  throw new TypeError(`Cannot use ${operation}: ${name} must be a function, got ${show(value)}`);
}

/** @throws {TypeError} If it is given and not a function. */
export function checkOptionalFunction(
  operation: string,
  name: string,
  value: unknown,
): UserFunction | undefined {
  return value === undefined ? undefined : checkFunction(operation, name, value);
}

/**
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is not a whole number of at least `least`.
 */
export function checkWhole(operation: string, name: string, value: unknown, least: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot use ${operation}: ${name} must be a number, got ${show(value)}`);
  }
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(
      `Cannot use ${operation}: ${name} must be a whole number of at least ${least}, got ${value}`,
    );
  }
  return value;
}

/** Like checkWhole, with undefined let through. */
export function checkOptionalWhole(
  operation: string,
  name: string,
  value: unknown,
  least: number,
): number | undefined {
  return value === undefined ? undefined : checkWhole(operation, name, value, least);
}

/** @throws {TypeError} If it is not a string, or empty. */
export function checkText(operation: string, name: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(`Cannot use ${operation}: ${name} must be a string with content, got ${show(value)}`);
}

/** @throws {TypeError} If it is none of the choices. */
export function checkChoice<C extends string>(
  operation: string,
  name: string,
  value: unknown,
  choices: readonly C[],
): C {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const list = choices.map((choice) => `"${choice}"`).join(", ");
  throw new TypeError(`Cannot use ${operation}: ${name} must be one of ${list}, got ${show(value)}`);
}

/** Like checkChoice, with undefined let through. */
export function checkOptionalChoice(
  operation: string,
  name: string,
  value: unknown,
  choices: readonly string[],
): void {
  if (value !== undefined) checkChoice(operation, name, value, choices);
}

/**
 * @throws {TypeError} If it is not an object, or has a property that is not known;
 * the message suggests the nearest known name.
 */
export function checkOptions<O extends object>(
  operation: string,
  value: O | undefined,
  known: readonly (keyof O & string)[],
): Partial<O> {
  if (value === undefined) return {};
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new TypeError(`Cannot use ${operation}: options must be an object, got ${show(value)}`);
  }
  for (const name of Object.keys(value)) {
    if ((known as readonly string[]).includes(name)) continue;
    const near = nearestName(name, known);
    const hint = near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
    throw new TypeError(`Cannot use ${operation}: unknown option "${name}", ${hint}`);
  }
  return value;
}

/**
 * Finds the name that is at most two edits away, or nearly so for long ones; else the first
 * of which it is the beginning, such as `desc` of `descending`, or that is its beginning.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let nearest: string | undefined;
  let least = Math.max(3, Math.ceil(name.length / 3) + 1);
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    // Names that share no letter at all are not near, however short they are.
    if (distance < least && distance < Math.max(name.length, candidate.length)) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest ?? known.find((candidate) => isBeginning(wanted, candidate.toLowerCase()));
}

const LEAST_BEGINNING = 3;

function isBeginning(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= LEAST_BEGINNING && (a.startsWith(b) || b.startsWith(a));
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}

/** Writes a value for a message, in at most about 60 characters. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 50 ? `${value.slice(0, 50)}…` : value);
  if (typeof value === "function") return "a function";
  if (value instanceof Promise) return "a promise";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value);
    if (names.length > 0) return `an object (${names.join(", ")})`;
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || prototype === Object.prototype
      ? "{}"
      : `an object of class ${value.constructor.name}`;
  }
  return String(value);
}
