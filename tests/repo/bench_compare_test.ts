/** What scripts/bench takes for the same output, and for another one. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Comparison, compareOutputs } from "../../scripts/benchmarks/compare.ts";

const folder = mkdtempSync(join(tmpdir(), "luciole-compare-"));
afterAll(() => rmSync(folder, { recursive: true }));
let outputs = 0;

/** A file, or a directory of part files when there are several texts. */
function output(...texts: readonly string[]): string {
  const path = join(folder, String(outputs++));
  if (texts.length === 1) writeFileSync(path, texts[0]);
  else {
    mkdirSync(path);
    writeFileSync(join(path, "_SUCCESS"), "not data\n");
    for (const [i, text] of texts.entries()) writeFileSync(join(path, `part-0000${i}.txt`), text);
  }
  return path;
}

const compare = (a: string, b: string, comparison: Comparison) => () => compareOutputs(a, b, comparison);

describe("compareOutputs", () => {
  test("takes lines in any order and from any number of files, each as often as it is there", () => {
    const lines = { kind: "lines" } as const;
    expect(compare(output("b\na\na\n"), output("a\n", "b\na\n"), lines)).not.toThrow();
    expect(compare(output("b\na\na\n"), output("b\n", "b\na\n"), lines)).toThrow(/differ/);
    expect(compare(output("b\na\n"), output("a\n"), lines)).toThrow(/differ/);
  });

  test("asks for the order of the keys, not of what is behind them", () => {
    const sorted = { kind: "sorted", keyBytes: 2 } as const;
    expect(compare(output("aa2\naa1\nab0\n"), output("aa1\n", "aa2\nab0\n"), sorted)).not.toThrow();
    expect(compare(output("aa1\nab0\n"), output("ab0\n", "aa1\n"), sorted)).toThrow(/out of order/);
    expect(compare(output("aa1\nab0\n"), output("aa1\nab1\n"), sorted)).toThrow(/differ/);
  });

  test("takes numbers that differ by rounding only, by their keys", () => {
    const numbers = { kind: "numbers", keyFields: 1 } as const;
    const expected = output("a,1\nb,2.5\n");
    expect(compare(expected, output("b,2.500000000001\n", "a,1.0\n"), numbers)).not.toThrow();
    expect(compare(expected, output("a,1\nb,2.50001\n"), numbers)).toThrow(/at b/);
    expect(compare(expected, output("a,1\nc,2.5\n"), numbers)).toThrow(/at b/);
    expect(compare(expected, output("a,1\nb,2.5\nc,3\n"), numbers)).toThrow(/3/);
    expect(compare(expected, output("a,1\nb,NaN\n"), numbers)).toThrow(/at b/);
    expect(compare(expected, output("a,1\na,1\nb,2.5\n"), numbers)).toThrow(/more than once/);
  });

  test("takes numbers without a key in their order only", () => {
    const numbers = { kind: "numbers", keyFields: 0 } as const;
    expect(compare(output("1,2\n3,4\n"), output("1,2\n3,4\n"), numbers)).not.toThrow();
    expect(compare(output("1,2\n3,4\n"), output("3,4\n1,2\n"), numbers)).toThrow(/at 0/);
  });
});
