/**
 * Random keys and pairs of all kinds, from a printed seed, and a plain way to tell keys apart.
 */

/** Settable, so that a failure can be run again. */
export const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

export type KeyKind = "string" | "number" | "mixed" | "tuple" | "object";

export function randomKey(random: () => number, kind: KeyKind, distinct: number): unknown {
  const n = Math.floor(random() * distinct);
  switch (kind) {
    case "string":
      return n % 7 === 0 ? `ключ 🗝 ${n}` : `k${n}`;
    case "number":
      return n % 5 === 0 ? -n / 3 : n;
    case "tuple":
      return [n % 10, `t${n}`];
    case "object":
      return { a: n, b: `o${n % 3}` };
    case "mixed":
      return mixedKey(n);
  }
}

function mixedKey(n: number): unknown {
  const kinds = [
    n,
    `s${n}`,
    BigInt(n),
    new Date(n * 1000),
    [n, "x", null],
    { x: n, y: [true] },
    [undefined, null, true, false, Number.NaN, -0, 0, ""][n % 8],
  ];
  return kinds[n % kinds.length];
}

/** Equal exactly for keys that count as one. */
export function keyText(key: unknown): string {
  if (Array.isArray(key)) return `[${key.map(keyText).join(",")}]`;
  if (key instanceof Date) return `date ${key.getTime()}`;
  if (typeof key === "object" && key !== null) {
    const entries = Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, value]) => `${name}:${keyText(value)}`).join(",")}}`;
  }
  if (typeof key === "number") return `number ${key === 0 ? 0 : key}`;
  return `${typeof key} ${String(key)}`;
}

export function randomPairs(
  random: () => number,
  options: { readonly kind: KeyKind; readonly rows: number; readonly distinct: number },
): [unknown, number][] {
  return Array.from({ length: options.rows }, (): [unknown, number] => [
    randomKey(random, options.kind, options.distinct),
    Math.floor(random() * 1000),
  ]);
}

/** Values of each key in order of arrival, keys in order of first appearance. */
export function groupPairs<V>(
  pairs: readonly (readonly [unknown, V])[],
): Map<string, { key: unknown; values: V[] }> {
  const groups = new Map<string, { key: unknown; values: V[] }>();
  for (const [key, value] of pairs) {
    const text = keyText(key);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, { key, values: [value] });
    else group.values.push(value);
  }
  return groups;
}
