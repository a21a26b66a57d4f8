/** The examples of connected dataflow, as processes, against plain loops. */
import { afterAll, describe, expect, test } from "bun:test";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox[Symbol.dispose]());
const LIMIT_MS = 60_000;

describe.each([1, 3])("with %d workers", (workers) => {
  test(
    "two_dataflows: the second flow reads what the first one made, again and again",
    async () => {
      const printed = await sandbox.run("two_dataflows", ["500", "300"], { workers });
      const values = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 1000).filter(
        (value) => value !== 0,
      );
      const expected = [500, 300].flatMap((step) => {
        const bars = Array.from({ length: Math.ceil(1000 / step) }, (_, bar) => bar * step);
        return bars.map((from) => {
          const count = values.filter((value) => value >= from && value < from + step).length;
          return `${step}\t${from}\t${count}`;
        });
      });
      expect(printed).toEqual(expected);
    },
    LIMIT_MS,
  );

  test(
    "search: the least number is found, whoever is first",
    async () => {
      const hash = (text: string): number => {
        let value = 0x811c9dc5;
        for (const char of text) value = Math.imul(value ^ char.charCodeAt(0), 0x01000193);
        return value >>> 0;
      };
      let least = 0;
      while (hash(`firefly${least}`) % 2 ** 14 !== 0) least++;
      expect(await sandbox.run("search", ["14", "firefly"], { workers })).toEqual([String(least)]);
    },
    LIMIT_MS,
  );
});

test(
  "parallel_dataflows: two flows run on workers of their own, and a third one joins them",
  async () => {
    const rows = 300;
    const sum = Array.from({ length: rows }, (_, n) => n * n + n ** 3).reduce((a, b) => a + b, 0);
    for (const workers of [2, 4]) {
      const [printed] = await sandbox.run("parallel_dataflows", [String(rows)], { workers });
      expect(printed).toBe(`squares and cubes of the numbers below ${rows} are ${sum} together`);
    }
  },
  LIMIT_MS,
);

test(
  "hello: each worker hears its neighbour, and all agree on a sum",
  async () => {
    for (const workers of [1, 2, 3]) {
      const expected = Array.from({ length: workers }, (_, rank) => {
        const previous = (rank + workers - 1) % workers;
        const sum = (workers * (workers - 1)) / 2;
        return `rank ${rank} of ${workers} heard "hi from rank ${previous}"; all ranks together are ${sum}`;
      });
      expect(await sandbox.run("hello", ["hi"], { workers })).toEqual(expected);
    }
  },
  LIMIT_MS,
);

test(
  "k_means_scaling: the centres are those of k_means, whatever the number of workers",
  async () => {
    const points = Array.from({ length: 90 }, (_, i) => [(i % 3) * 10 + (i % 7) / 7, ((i * 5) % 11) / 5]);
    sandbox.write("points.csv", `x,y\n${points.map((point) => point.join(",")).join("\n")}\n`);
    const plain = await sandbox.run("k_means", ["points.csv", "3"]);
    for (const workers of [1, 3]) {
      const printed = await sandbox.run("k_means_scaling", ["points.csv", "3", "9"], { workers });
      const epochs = printed.filter((line) => line.startsWith("epoch"));
      const centres = printed.filter((line) => !line.startsWith("epoch"));
      const sizes = [workers, workers + 1, workers];
      expect(epochs).toEqual(sizes.map((size, i) => `epoch ${i + 1}: ${size} workers`));
      expect(centres).toEqual(plain.map((line) => line.split("\t").slice(0, 2).join("\t")));
    }
  },
  LIMIT_MS,
);
