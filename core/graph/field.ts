/**
 * Fields as a short form of closures: a property name of an object row, or a place of a tuple row.
 *
 * The closure says what the field means; who sees the name may work on columns. It knows nothing of operations.
 */
import { checkWhole, show } from "./arguments.ts";
import type { UserFunction } from "./node.ts";

export interface Field {
  readonly field: string | number;
  readonly fn: UserFunction;
}

/**
 * The field that an argument names, if it is no function.
 *
 * @throws {TypeError} If it is neither a function, a property name nor a place.
 */
export function fieldOf(operation: string, name: string, value: unknown): Field | undefined {
  if (typeof value === "function") return undefined;
  if (typeof value !== "string" && typeof value !== "number") {
    throw new TypeError(
      `Cannot use ${operation}: ${name} must be a function, a property name or a tuple place, got ${show(value)}`,
    );
  }
  const field = typeof value === "number" ? checkWhole(operation, name, value, 0) : value;
  return { field, fn: (row: Record<string | number, unknown>) => row[field] };
}
