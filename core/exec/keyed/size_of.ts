/**
 * A rough guess at the memory of a value, for budgets.
 *
 * Looks at a few members only, so it costs little on large values.
 */

const MAX_DEPTH = 3;
const SAMPLES = 8;

export function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === "string") return 56 + value.length;
  if (typeof value !== "object" || value === null) return 16;
  if (ArrayBuffer.isView(value)) return 64 + value.byteLength;
  if (depth >= MAX_DEPTH) return 64;
  if (Array.isArray(value)) return 48 + value.length * (8 + meanOf(value, value.length, depth));
  if (value instanceof Map) return 96 + value.size * (32 + 2 * meanOf(value.values(), value.size, depth));
  if (value instanceof Set) return 96 + value.size * (32 + meanOf(value, value.size, depth));
  const members = Object.values(value);
  return 48 + members.length * (8 + meanOf(members, members.length, depth));
}

function meanOf(values: Iterable<unknown>, count: number, depth: number): number {
  if (count === 0) return 0;
  let bytes = 0;
  let seen = 0;
  for (const value of values) {
    if (seen >= SAMPLES) break;
    bytes += sizeOf(value, depth + 1);
    seen++;
  }
  return bytes / seen;
}
