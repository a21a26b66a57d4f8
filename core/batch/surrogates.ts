/**
 * Carries strings with lone surrogates, which UTF-8 cannot hold, through codecs that need it.
 *
 * A lone surrogate becomes `\uXXXX` and a backslash two; undoing it gives the same string back.
 */

/** Tells whether some string in a value, names of properties included, has a lone surrogate. */
export function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === "string") return !value.isWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  if (Array.isArray(value) || value instanceof Set) return [...value].some(hasLoneSurrogate);
  if (value instanceof Map) return [...value].some(hasLoneSurrogate);
  return Object.entries(value).some(hasLoneSurrogate);
}

/** Replaces every string of a value, so that all of them are well-formed. */
export function escapeStrings(value: unknown): unknown {
  return mapStrings(value, (text) =>
    text.replace(/\\|\p{Surrogate}/gu, (match) =>
      match === "\\" ? "\\\\" : `\\u${match.charCodeAt(0).toString(16)}`,
    ),
  );
}

/** Undoes escapeStrings. */
export function unescapeStrings(value: unknown): unknown {
  return mapStrings(value, (text) =>
    text.replace(/\\(\\|u([0-9a-f]{4}))/g, (_, all: string, hex: string | undefined) =>
      hex === undefined ? all : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
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
