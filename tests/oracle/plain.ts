/**
 * The oracle's own tools, on plain arrays and Maps: telling values apart, ordering and
 * grouping them. It shares no code with the engine.
 */

/** The same text exactly for values that cannot be told apart. */
export function exactText(value: unknown): string {
  return textOf(value, (number) => (Object.is(number, -0) ? "-0" : String(number)), false);
}

/** The same text for values that are one key: -0 is 0, and the order of properties does not count. */
export function keyText(value: unknown): string {
  return textOf(value, (number) => String(number === 0 ? 0 : number), true);
}

function textOf(value: unknown, number: (value: number) => string, isKey: boolean): string {
  const text = (part: unknown) => textOf(part, number, isKey);
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Uint8Array) return `Bytes(${value.join()})`;
  if (Array.isArray(value)) return `[${value.map(text).join()}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${text(part)}`);
  return `{${(isKey ? entries.sort() : entries).join()}}`;
}

/** Rows whose order does not count, as texts. */
export function multiset(rows: readonly unknown[], text: (row: unknown) => string = exactText): string[] {
  return rows.map(text).sort();
}

/** Pairs whose order does not count; keys are told apart as keys are. */
export function pairs(rows: readonly (readonly [unknown, unknown])[]): string[] {
  return rows.map(([key, value]) => `${keyText(key)} → ${exactText(value)}`).sort();
}

/** The values of each key, in order of appearance. */
export function groups<K, V>(rows: readonly (readonly [K, V])[]): [key: K, values: V[]][] {
  const found = new Map<string, [K, V[]]>();
  for (const [key, value] of rows) {
    const text = keyText(key);
    const group = found.get(text);
    if (group === undefined) found.set(text, [key, [value]]);
    else group[1].push(value);
  }
  return [...found.values()];
}

/** Each key of either side, with its values on both. */
export function cogroups<K, V, W>(
  left: readonly (readonly [K, V])[],
  right: readonly (readonly [K, W])[],
): [key: K, sides: [V[], W[]]][] {
  const rights = new Map(groups(right).map(([key, values]) => [keyText(key), values]));
  const lefts = groups(left);
  const known = new Set(lefts.map(([key]) => keyText(key)));
  return [
    ...lefts.map(([key, values]): [K, [V[], W[]]] => [key, [values, rights.get(keyText(key)) ?? []]]),
    ...groups(right)
      .filter(([key]) => !known.has(keyText(key)))
      .map(([key, values]): [K, [V[], W[]]] => [key, [[], values]]),
  ];
}

const KINDS = [
  "undefined",
  "null",
  "boolean",
  "number",
  "bigint",
  "string",
  "date",
  "bytes",
  "array",
  "object",
];

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value instanceof Date) return "date";
  if (value instanceof Uint8Array) return "bytes";
  return Array.isArray(value) ? "array" : typeof value;
}

/** The order of values of docs/internals.md. */
export function compare(a: unknown, b: unknown): number {
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return KINDS.indexOf(kind) - KINDS.indexOf(kindOf(b));
  if (kind === "number" || kind === "boolean" || kind === "date") return compareNumbers(Number(a), Number(b));
  if (typeof a === "bigint" && typeof b === "bigint") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (kind === "array" || kind === "bytes") {
    return compareLists([...(a as Iterable<unknown>)], [...(b as Iterable<unknown>)]);
  }
  return kind === "object" ? compareLists(sortedEntries(a as object), sortedEntries(b as object)) : 0;
}

function compareNumbers(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareLists(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compare(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function sortedEntries(value: object): unknown[] {
  return Object.entries(value)
    .sort(([a], [b]) => compare(a, b))
    .flat();
}

/** A stable sort; descending turns the order round and keeps ties as they are. */
export function sorted<T>(rows: readonly T[], key: (row: T) => unknown, descending = false): T[] {
  // In boxes: an array's own sort puts undefined last without asking.
  const boxes = rows.map((row) => ({ row, key: key(row) }));
  boxes.sort((a, b) => (descending ? compare(b.key, a.key) : compare(a.key, b.key)));
  return boxes.map(({ row }) => row);
}
