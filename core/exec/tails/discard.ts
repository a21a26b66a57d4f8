/**
 * Tail "discard": rows go nowhere.
 */
import type { Operator } from "../operator.ts";

export function createDiscard(): Operator {
  return { row: () => undefined, batch: () => undefined, finish: () => undefined };
}
