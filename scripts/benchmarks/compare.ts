/**
 * Tells whether two programs wrote the same: exactly once sorted, numbers within rounding.
 *
 * An output is a file, or a directory of part files.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const TOLERANCE = 1e-9;

export type Comparison =
  | { readonly kind: "lines" }
  /** The lines are in order of their first bytes; ties may be in any order. */
  | { readonly kind: "sorted"; readonly keyBytes: number }
  /** Fields between commas: a key, then numbers. Without a key the order counts. */
  | { readonly kind: "numbers"; readonly keyFields: number };

/** @throws {Error} If the outputs differ, or one is not in the order that is asked for. */
export function compareOutputs(first: string, second: string, comparison: Comparison): void {
  if (comparison.kind === "numbers") {
    compareNumbers(first, second, comparison.keyFields);
    return;
  }
  if (comparison.kind === "sorted") {
    for (const output of [first, second]) checkSorted(output, comparison.keyBytes);
  }
  const [a, b] = [sortedCopy(first), sortedCopy(second)];
  if (shell('cmp "$@"', [a, b]) !== 0) throw new Error(`${first} and ${second} differ`);
  rmSync(b);
}

export function filesOf(output: string): readonly string[] {
  if (!statSync(output).isDirectory()) return [output];
  const names = readdirSync(output).filter((name) => name.startsWith("part-"));
  return names.sort().map((name) => join(output, name));
}

/** Kept beside the output, since the first one is compared with several. */
function sortedCopy(output: string): string {
  const path = `${output}.sorted`;
  if (existsSync(path)) return path;
  if (shell('out=$1; shift; LC_ALL=C sort "$@" >"$out"', [path, ...filesOf(output)]) !== 0) {
    throw new Error(`Cannot sort ${output}`);
  }
  return path;
}

export function checkSorted(output: string, keyBytes: number): void {
  const script = 'key=$1; shift; cat "$@" | LC_ALL=C sort -c -s -k "$key"';
  if (shell(script, [`1.1,1.${keyBytes}`, ...filesOf(output)]) !== 0)
    throw new Error(`${output} is out of order`);
}

function shell(script: string, values: readonly string[]): number {
  return Bun.spawnSync(["sh", "-c", script, "sh", ...values], { stderr: "inherit" }).exitCode;
}

function compareNumbers(first: string, second: string, keyFields: number): void {
  const expected = readNumbers(first, keyFields);
  const found = readNumbers(second, keyFields);
  if (expected.size !== found.size) {
    throw new Error(`${first} has ${expected.size} lines, ${second} has ${found.size}`);
  }
  for (const [key, values] of expected) {
    const others = found.get(key);
    if (others?.length !== values.length || values.some((value, i) => !isNear(value, others[i]))) {
      throw new Error(`${first} has ${values} at ${key}, ${second} has ${others}`);
    }
  }
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

function readNumbers(output: string, keyFields: number): Map<string, readonly number[]> {
  const lines = filesOf(output).flatMap((path) => readFileSync(path, "utf8").split("\n").slice(0, -1));
  const entries = lines.map((line, i): [string, readonly number[]] => {
    const fields = line.split(",");
    const key = keyFields === 0 ? String(i) : fields.slice(0, keyFields).join(",");
    return [key, fields.slice(keyFields).map(Number)];
  });
  const byKey = new Map(entries);
  if (byKey.size !== entries.length) throw new Error(`${output} has a key more than once`);
  return byKey;
}
