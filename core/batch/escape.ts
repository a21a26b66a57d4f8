/**
 * Carries strings through codecs that cannot: lone surrogates, which UTF-8 lacks, and the name "__proto__".
 *
 * A lone surrogate becomes `\uXXXX`, a whole "__proto__" `\p`, a backslash two; undoing it gives
 * the same strings back.
 */

/** Tells whether some string in a value, names of properties included, must be escaped. */
export function needsEscape(value: unknown): boolean {
  if (typeof value === "string") return value === "__proto__" || !value.isWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  if (Array.isArray(value)) return value.some(needsEscape);
  if (value instanceof Set || value instanceof Map) return [...value].some(needsEscape);
  return Object.entries(value).some(needsEscape);
}

/** Replaces every string of a value by one that any codec carries. */
export function escapeStrings(value: unknown): unknown {
  return mapStrings(value, (text) =>
    text.replace(/\\|\p{Surrogate}|^__proto__$/gu, (match) => {
      if (match === "\\") return "\\\\";
      return match === "__proto__" ? "\\p" : `\\u${match.charCodeAt(0).toString(16)}`;
    }),
  );
}

/** Undoes escapeStrings. */
export function unescapeStrings(value: unknown): unknown {
  return mapStrings(value, (text) =>
    text.replace(/\\(\\|p|u([0-9a-f]{4}))/g, (_, code: string, hex: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return code === "p" ? "__proto__" : "\\";
    }),
  );
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date) {
    return value;
  }
  const inner = (each: unknown): unknown => mapStrings(each, change);
  if (Array.isArray(value)) return Array.from(value, inner);
  if (value instanceof Set) return new Set(Array.from(value, inner));
  if (value instanceof Map) return new Map(Array.from(value, ([key, each]) => [inner(key), inner(each)]));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [change(name), inner(each)]));
}
