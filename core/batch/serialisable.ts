/**
 * Which values may be rows, and about how many bytes they take.
 *
 * Everything else is refused with its place in the row, before it gets into a batch.
 */
import { LucioleError } from "../errors.ts";
import { isPlainObject } from "./shape.ts";

const MAX_DEPTH = 200;

/** Approximate bytes of a value; -1 when it, or something in it, cannot be stored. */
export function measureValue(value: unknown): number {
  if (typeof value === "string") return 8 + value.length;
  return typeof value === "object" && value !== null ? measureObject(value, []) : measureScalar(value);
}

/** A copy that shares nothing with a value that can be stored: its owner may change it afterwards. */
export function copyValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Array.from(value, copyValue);
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Map) {
    return new Map(Array.from(value, ([key, item]) => [copyValue(key), copyValue(item)]));
  }
  if (value instanceof Set) return new Set(Array.from(value, copyValue));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyValue(item)]));
}

/** @throws {LucioleError} code "not-serialisable" when the value, or something in it, cannot be stored. */
export function checkSerialisable(value: unknown): void {
  if (measureValue(value) >= 0) return;
  const found = findProblem(value, [], "") ?? { path: "", problem: "not serialisable" };
  throw new LucioleError("not-serialisable", `Cannot store a row: ${place(found.path)} is ${found.problem}`, {
    fields: { path: found.path },
  });
}

function measureScalar(value: unknown): number {
  if (typeof value === "bigint") return 16;
  return typeof value === "function" || typeof value === "symbol" ? -1 : 8;
}

function measureObject(value: object, ancestors: object[]): number {
  if (value instanceof Uint8Array) return 16 + value.byteLength;
  if (isDate(value)) return 16;
  const children = childrenOf(value);
  if (children === undefined || ancestors.length >= MAX_DEPTH || ancestors.includes(value)) return -1;
  ancestors.push(value);
  let size = 16;
  for (const child of children) {
    const own =
      typeof child === "object" && child !== null ? measureObject(child, ancestors) : measureValue(child);
    if (own < 0) return -1;
    size += own + 8;
  }
  ancestors.pop();
  return size;
}

/** Tells whether a value is a Date itself, not an instance of a class made from it. */
export function isDate(value: unknown): value is Date {
  return value instanceof Date && Object.getPrototypeOf(value) === Date.prototype;
}

/** What is inside of a container; undefined when it is no container that may be stored. */
function childrenOf(value: object): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (isPlainObject(value)) return Object.values(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Map && prototype === Map.prototype) return [...value.keys(), ...value.values()];
  if (value instanceof Set && prototype === Set.prototype) return [...value];
  return undefined;
}

interface Found {
  readonly path: string;
  readonly problem: string;
}

function findProblem(value: unknown, ancestors: readonly object[], path: string): Found | undefined {
  if (typeof value === "function" || typeof value === "symbol") return { path, problem: `a ${typeof value}` };
  if (typeof value !== "object" || value === null) return undefined;
  if (measureObject(value, [...ancestors]) >= 0) return undefined;
  if (ancestors.includes(value)) return { path, problem: "an object that contains itself" };
  if (ancestors.length >= MAX_DEPTH) return { path, problem: `nested deeper than ${MAX_DEPTH} levels` };
  if (childrenOf(value) === undefined) return { path, problem: className(value) };
  for (const [key, child] of namedChildren(value)) {
    const found = findProblem(child, [...ancestors, value], path + key);
    if (found !== undefined) return found;
  }
  return undefined;
}

function namedChildren(value: object): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.map((child, i) => [`[${i}]`, child] as const);
  if (value instanceof Map) {
    return [...value].flatMap(([key, child], i) => [
      [`[key ${i}]`, key] as const,
      [`[${i}]`, child] as const,
    ]);
  }
  if (value instanceof Set) return [...value].map((child, i) => [`[${i}]`, child] as const);
  return Object.entries(value).map(([name, child]) => [`.${name}`, child] as const);
}

function className(value: object): string {
  if (value instanceof Promise) return "a promise; use mapShards for asynchronous work";
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object"
    ? `an instance of ${name}`
    : "an instance of a class";
}

function place(path: string): string {
  if (path === "") return "it";
  return path.startsWith(".") ? `its property ${JSON.stringify(path.slice(1))}` : `its item ${path}`;
}
