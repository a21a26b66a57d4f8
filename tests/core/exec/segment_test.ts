import { describe, expect, test } from "bun:test";
import type { Column, StringColumn } from "../../../core/batch/column.ts";
import { concatColumns } from "../../../core/batch/gather.ts";
import { TaskError } from "../../../core/errors.ts";
import type { Operator } from "../../../core/exec/operator.ts";
import { createSegment, type SegmentStep, splitSteps } from "../../../core/exec/segment.ts";
import { cutWords } from "../../../core/exec/word_kernel.ts";
import type { NodeSpec, UserFunction } from "../../../core/graph/node.ts";
import { hashColumn } from "../../../core/key/hash.ts";
import { TextRuns } from "../../../core/key/text_runs.ts";
import { randomNumbers } from "../../simulation/random.ts";
import { Collector, feed, graphOf, MemoryPorts, memoryScope, rowsOf } from "./memory_ports.ts";
import { SEED } from "./random_rows.ts";

function closure(
  kind: "map" | "filter" | "flatMap" | "tap" | "mapValues" | "keyBy" | "forEach",
  fn: UserFunction,
): NodeSpec {
  return { kind, fn, hasSide: false };
}

function segmentOf(specs: readonly NodeSpec[], next: Operator): Operator {
  const scope = memoryScope({ graph: graphOf(...specs), ports: new MemoryPorts(), task: 2 });
  const steps = specs.map((spec, node) => ({ op: spec.kind, node }) as SegmentStep);
  return createSegment(scope, steps, next);
}

async function run(
  specs: readonly NodeSpec[],
  rows: readonly unknown[],
  how: "rows" | "batches" = "batches",
) {
  const out = new Collector();
  await feed(segmentOf(specs, out), rows, how);
  expect(out.isFinished).toBe(true);
  return out.rows;
}

async function thrownBy(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const ROWS = Array.from({ length: 2500 }, (_, i) => i);

test("keyBy() by a name takes no place of an array for it", async () => {
  const rows = Array.from({ length: 20 }, (_, i) => [i, `a${i}`]);
  for (const field of ["", " ", "1.0", "0x1", "1", "length", 1]) {
    const fn = (row: Record<string | number, unknown>) => row[field];
    const spec: NodeSpec = { kind: "keyBy", fn, field, hasSide: false };
    const expected = rows.map((row) => [fn(row as unknown as Record<string, unknown>), row]);
    expect(await run([spec], rows)).toEqual(expected);
  }
});

describe("createSegment()", () => {
  for (const how of ["rows", "batches"] as const) {
    test(`createSegment() gives what array methods give when fed ${how}`, async () => {
      const specs = [
        closure("map", (n: number) => n + 1),
        closure("filter", (n: number) => n % 3 !== 0),
        closure("flatMap", (n: number) => (n % 2 === 0 ? [n, -n] : new Set([n]))),
        closure("filter", (n: number) => n !== -4),
        closure("flatMap", function* (n: number) {
          for (let i = 0; i < n % 3; i++) yield `${n}/${i}`;
        }),
        closure("map", (text: string) => `${text}!`),
      ];
      const expected = ROWS.map((n) => n + 1)
        .filter((n) => n % 3 !== 0)
        .flatMap((n) => (n % 2 === 0 ? [n, -n] : [n]))
        .filter((n) => n !== -4)
        .flatMap((n) => Array.from({ length: Math.max(0, n % 3) }, (_, i) => `${n}/${i}`))
        .map((text) => `${text}!`);
      expect(await run(specs, ROWS, how)).toEqual(expected);
    });

    test(`createSegment() keeps keys with their rows when fed pairs as ${how}`, async () => {
      const pairs = ROWS.map((n): [string, number] => [`k${n % 9}`, n]);
      expect(await run([closure("mapValues", (n: number) => n * 2)], pairs, how)).toEqual(
        pairs.map(([k, n]) => [k, n * 2]),
      );
      expect(await run([{ kind: "keys" }], pairs, how)).toEqual(pairs.map(([k]) => k));
      expect(await run([{ kind: "values" }], pairs, how)).toEqual(pairs.map(([, n]) => n));
      expect(await run([closure("keyBy", (n: number) => n % 2), { kind: "values" }], ROWS, how)).toEqual(
        ROWS,
      );
      expect(
        await run(
          [closure("mapValues", (n: number) => n + 1), closure("tap", () => 0), { kind: "keys" }],
          pairs,
          how,
        ),
      ).toEqual(pairs.map(([k]) => k));
    });

    test(`words gives what splitting by white space gives when fed ${how}`, async () => {
      const random = randomNumbers(SEED);
      const alphabet = [
        "a",
        "ß",
        "語",
        "🗝",
        " ",
        "\t",
        "\n",
        "\u00a0",
        "\u3000",
        "\u2003",
        "\ufeff",
        "\u200b",
        "\u0085",
      ];
      const lines = Array.from({ length: 400 }, () =>
        Array.from(
          { length: Math.floor(random() * 12) },
          () => alphabet[Math.floor(random() * alphabet.length)],
        ).join(""),
      );
      const expected = lines.flatMap((line) => line.split(/\s+/).filter((word) => word !== ""));
      expect(await run([{ kind: "words" }], lines, how), `seed ${SEED}`).toEqual(expected);
    });
  }

  test("words splits on bytes as on text when a column's bytes are not UTF-8", () => {
    const bytes = Uint8Array.of(0x61, 0xe2, 0x80, 0x20, 0xff, 0xc2, 0xa0, 0xe3, 0x80, 0xe3, 0x80, 0x80, 0x62);
    const lines = { kind: "string", length: 3, offsets: Uint32Array.of(0, 3, 8, 13), bytes } as const;
    const texts = rowsOf({ rows: 3, column: lines }) as string[];
    const words = wordsOf(lines);
    expect(rowsOf({ rows: words.length, column: words })).toEqual(
      texts.flatMap((line) => line.split(/\s+/).filter((word) => word !== "")),
    );
    const none = wordsOf({ ...lines, length: 0, offsets: Uint32Array.of(5) });
    expect(none.length).toBe(0);
  });

  test("words splits ASCII words of all lengths where they lie in larger memory", () => {
    const random = randomNumbers(SEED);
    const alphabet = ["a", "~", "!", "\u0001", "\u001f", "\u007f", "bcdef", "é", " ", "\r", "\v", "\u00a0"];
    for (let round = 0; round < 300; round++) {
      const text = Array.from(
        { length: Math.floor(random() * 30) },
        () => alphabet[Math.floor(random() * alphabet.length)],
      ).join("");
      const bytes = new TextEncoder().encode(`xyz${text}z`).subarray(2);
      const lines = {
        kind: "string",
        length: 1,
        offsets: Uint32Array.of(1, bytes.length - 1),
        bytes,
      } as const;
      const words = wordsOf(lines);
      expect(rowsOf({ rows: words.length, column: words }), `seed ${SEED}, round ${round}`).toEqual(
        text.split(/\s+/).filter((word) => word !== ""),
      );
    }
  });

  test("createSegment() hands over pairs apart when the next operator takes them so", async () => {
    const taken: unknown[] = [];
    const next: Operator = {
      row: () => taken.push("row"),
      pair: (key, value) => void taken.push([key, value]),
      batch: () => taken.push("batch"),
      finish: () => undefined,
    };
    await feed(segmentOf([closure("keyBy", (n: number) => n % 2)], next), [1, 2]);
    expect(taken).toEqual([
      [1, 1],
      [0, 2],
    ]);
  });

  test("createSegment() names step, line, shard and row when user code throws", async () => {
    const cause = new TypeError("no such field");
    const specs = [
      closure("filter", (n: number) => n > 10),
      closure("map", (n: number) => {
        if (n === 1777) throw cause;
        return n;
      }),
    ];
    for (const how of ["rows", "batches"] as const) {
      const error = await thrownBy(() => run(specs, ROWS, how));
      expect(error).toBeInstanceOf(TaskError);
      if (!(error instanceof TaskError)) return;
      expect(error.message).toBe(
        "Cannot run map at /home/user/job.ts:11: shard 2, row 1777: TypeError: no such field",
      );
      expect(error.cause).toBe(cause);
      expect(error.fields).toEqual({
        step: "map",
        node: 1,
        callSite: "/home/user/job.ts:11",
        shard: 2,
        row: 1777,
      });
    }
  });

  test("createSegment() names the flatMap when its generator throws after rows were taken", async () => {
    const specs = [
      closure("flatMap", function* (n: number) {
        yield n;
        throw new Error("late");
      }),
      closure("filter", () => false),
    ];
    const error = await thrownBy(() => run(specs, [5]));
    expect(String(error)).toContain(
      "Cannot run flatMap at /home/user/job.ts:10: shard 2, row 0: Error: late",
    );
  });

  test("createSegment() passes errors of the next operator on as they are", async () => {
    const failure = new Error("disk full");
    const next: Operator = {
      row: () => {
        throw failure;
      },
      batch: () => undefined,
      finish: () => undefined,
    };
    expect(await thrownBy(() => feed(segmentOf([closure("map", (n: number) => n)], next), [1]))).toBe(
      failure,
    );
  });

  test("createSegment() refuses strings and other values that have no rows when a flatMap returns them", async () => {
    for (const value of ["abc", 5, null, undefined, {}]) {
      const error = await thrownBy(() => run([closure("flatMap", () => value)], [1]));
      expect(error instanceof TaskError && error.cause).toBeInstanceOf(TypeError);
    }
    const error = await thrownBy(() => run([{ kind: "words" }], [1]));
    expect(error instanceof TaskError && error.cause).toBeInstanceOf(TypeError);
    const promised = await thrownBy(() => run([closure("forEach", async () => 1)], [1]));
    expect(promised instanceof TaskError && promised.cause).toBeInstanceOf(TypeError);
  });

  test("createSegment() stops in the middle of an endless iterable when the next operator is done", async () => {
    let taken = 0;
    let isClosed = false;
    const next: Operator = {
      row: () => void taken++,
      batch: () => undefined,
      finish: () => undefined,
      isDone: () => taken >= 3,
    };
    const endless = closure("flatMap", function* (n: number) {
      try {
        for (;;) yield n;
      } finally {
        isClosed = true;
      }
    });
    const segment = segmentOf([endless], next);
    await feed(segment, ROWS);
    expect({ taken, isClosed, isDone: segment.isDone?.() }).toEqual({
      taken: 3,
      isClosed: true,
      isDone: true,
    });
  });

  test("sample keeps about its fraction, the same at every attempt, when rows come in other batches", async () => {
    const spec: NodeSpec = { kind: "sample", fraction: 0.25, seed: 7 };
    const rows = Array.from({ length: 20_000 }, (_, i) => i);
    const kept = await run([spec], rows, "batches");
    expect(kept.length).toBeGreaterThan(4700);
    expect(kept.length).toBeLessThan(5300);
    expect(await run([spec], rows, "rows")).toEqual(kept);
    expect(await run([{ ...spec, fraction: 0 }], rows)).toEqual([]);
    expect(await run([{ ...spec, fraction: 1 }], rows)).toEqual(rows);
    expect(await run([{ ...spec, seed: 8 }], rows)).not.toEqual(kept);
  });
});

describe("splitSteps()", () => {
  test("splitSteps() joins streaming steps and cuts at others, and where flatMaps are many", () => {
    const ops = ["map", "flatMap", "flatMap", "flatMap", "combine", "values", "words"] as const;
    const steps = ops.map((op, node) => ({ op, node, phase: "partial", key: "pair" }) as never);
    const parts = splitSteps(steps).map((part) => ("op" in part ? part.op : part.map(({ op }) => op)));
    expect(parts).toEqual([["map", "flatMap", "flatMap"], ["flatMap"], "combine", ["values", "words"]]);
  });
});

/** The words of lines in one column; their hashes and heads are those that a column of them has. */
function wordsOf(lines: StringColumn): Column {
  const runs = new TextRuns();
  const again = new TextRuns();
  const columns: StringColumn[] = [];
  cutWords(lines, runs, () => {
    const column = runs.column();
    again.fill(column, 0, runs.rows);
    expect(again.hashes.subarray(0, runs.rows)).toEqual(runs.hashes.subarray(0, runs.rows));
    expect(again.heads.subarray(0, 2 * runs.rows)).toEqual(runs.heads.subarray(0, 2 * runs.rows));
    expect(hashColumn(column)).toEqual(runs.hashes.slice(0, runs.rows));
    columns.push(column);
  });
  return concatColumns(columns);
}
