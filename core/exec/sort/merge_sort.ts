/**
 * A stable merge sort of row numbers with the user's compare function.
 *
 * A compare function that contradicts itself gives some order, never an endless
 * loop or a lost row. It knows nothing of columns.
 */

const INSERTION = 8;

/** Sorts the numbers 0 … values.length - 1 by their values; bottom-up, as in Knuth vol. 3 §5.2.4. */
export function mergeSortIndices(
  values: readonly unknown[],
  compare: (a: unknown, b: unknown) => number,
): Uint32Array {
  const n = values.length;
  let from: Uint32Array = new Uint32Array(n);
  for (let i = 0; i < n; i += 1) from[i] = i;
  for (let low = 0; low < n; low += INSERTION) {
    insertionSort(from, low, Math.min(low + INSERTION, n), values, compare);
  }
  let to: Uint32Array = new Uint32Array(n);
  for (let width = INSERTION; width < n; width *= 2) {
    for (let low = 0; low < n; low += 2 * width) {
      const middle = Math.min(low + width, n);
      mergeRange(from, to, { low, middle, high: Math.min(low + 2 * width, n) }, values, compare);
    }
    [from, to] = [to, from];
  }
  return from;
}

function insertionSort(
  indices: Uint32Array,
  low: number,
  high: number,
  values: readonly unknown[],
  compare: (a: unknown, b: unknown) => number,
): void {
  for (let i = low + 1; i < high; i += 1) {
    const moved = indices[i];
    const value = values[moved];
    let j = i;
    // NaN, like 0, moves nothing: only "greater" does.
    while (j > low && compare(values[indices[j - 1]], value) > 0) {
      indices[j] = indices[j - 1];
      j -= 1;
    }
    indices[j] = moved;
  }
}

function mergeRange(
  from: Uint32Array,
  to: Uint32Array,
  { low, middle, high }: { readonly low: number; readonly middle: number; readonly high: number },
  values: readonly unknown[],
  compare: (a: unknown, b: unknown) => number,
): void {
  let left = low;
  let right = middle;
  for (let out = low; out < high; out += 1) {
    const takesRight =
      left >= middle || (right < high && compare(values[from[left]], values[from[right]]) > 0);
    to[out] = takesRight ? from[right++] : from[left++];
  }
}
