/** Metagraphs on the in-process cluster: what runs, beside what, what is freed, and what a failure leaves. */
import { describe, expect, test } from "bun:test";
import { CancelledError, PlanError } from "../../core/errors.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import { Random } from "../simulation/random.ts";
import { Cluster } from "./cluster.ts";
import { soon, until } from "./until.ts";

type Rows = DatasetInput<number>;

const numbers = flow("meta-numbers", (f, p: { n: number }) => f.range(p.n, { shards: 3 }));
const scaled = flow("meta-scaled", (f, p: { rows: Rows; by: number }) => f.from(p.rows).map((n) => n * p.by));
const added = flow("meta-added", (f, p: { left: Rows; right: Rows }) =>
  f.from(p.left).union(f.from(p.right)),
);
const parted = flow("meta-parted", (f, p: { n: number }) => {
  const rows = f.range(p.n);
  return {
    even: rows.filter((n) => n % 2 === 0),
    parts: [rows.filter((n) => n % 2 === 1), rows.count()] as const,
  };
});

const gates = new Map<string, { readonly promise: Promise<void>; readonly open: () => void }>();
const begun = new Map<string, Set<number>>();
const stopped = new Set<string>();
const held = flow("meta-held", (f, p: { name: string; rows?: Rows; shards?: number }) => {
  const own = f.generate(p.shards ?? 1, async function* (shard, ctx) {
    begun.set(p.name, (begun.get(p.name) ?? new Set()).add(ctx.worker));
    const over = new Promise<void>((resolve) => ctx.signal.addEventListener("abort", () => resolve()));
    await Promise.race([gates.get(p.name)?.promise, over]);
    if (ctx.signal.aborted) stopped.add(p.name);
    yield shard;
  });
  return p.rows === undefined ? own : own.union(f.from(p.rows));
});
const thrown = flow("meta-thrown", (f, p: { name: string; rows?: Rows }) =>
  f.generate(1, async function* () {
    await gates.get(p.name)?.promise;
    throw new Error(`row 7 of ${p.name}`);
    // biome-ignore lint/correctness/noUnreachable: it is what makes it a generator of numbers
    yield 1;
  }),
);

function gate(...names: string[]): void {
  for (const name of names) {
    const { promise, resolve } = Promise.withResolvers<void>();
    gates.set(name, { promise, open: resolve });
    begun.delete(name);
    stopped.delete(name);
  }
}

describe("job.metagraph()", () => {
  test("C2: runs a diamond, B and C at once on disjoint workers", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    gate("B", "C");
    const metagraph = cluster.job.metagraph({
      a: { flow: numbers, params: { n: 6 } },
      b: { flow: held, inputs: { rows: "a" }, params: { name: "B", shards: 2 }, workers: 2 },
      c: { flow: held, inputs: { rows: "a" }, params: { name: "C", shards: 2 }, workers: 2 },
      d: { flow: added, inputs: { left: "b", right: "c" } },
    });
    const results = metagraph.run();
    await until(
      "B and C run at the same time",
      () => begun.get("B")?.size === 2 && begun.get("C")?.size === 2,
    );
    expect(begun.get("B")?.isDisjointFrom(begun.get("C") ?? new Set())).toBe(true);
    gates.get("B")?.open();
    gates.get("C")?.open();
    const { d, a } = await results;
    const rows: number[] = await d.collect();
    expect(rows.toSorted()).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    expect(await a.collect().catch(String)).toContain("it was released");
    d.release();
    await until("nothing is left", () => cluster.files().length === 0);
  });

  test("reads outputs by their path, and published ones by name; functions of inputs make parameters", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const { sum, even } = await cluster.job
      .metagraph({
        even: {
          flow: scaled,
          inputs: { rows: "evens" },
          params: async ({ rows }) => ({ by: await rows.count() }),
        },
        made: { flow: parted, params: { n: 7 }, publishes: { evens: "even" } },
        sum: { flow: added, inputs: { left: "made.parts.0", right: "made.parts.1" } },
      })
      .run();
    expect(await even.collect()).toEqual([0, 8, 16, 24]);
    expect((await sum.collect()).toSorted()).toEqual([1, 3, 5, 7]);
  });

  test("keeps datasets that are asked for, and runs any number of times", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const metagraph = cluster.job.metagraph({
      a: { flow: numbers, params: { n: 3 }, keep: true },
      b: { flow: scaled, inputs: { rows: "a" }, params: { by: 2 } },
    });
    for (let i = 0; i < 2; i += 1) {
      const { a, b } = await metagraph.run();
      expect([await a.collect(), await b.collect()]).toEqual([
        [0, 1, 2],
        [0, 2, 4],
      ]);
    }
  });

  test("equals plain arrays for random graphs", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = new Random(seed);
      const plain = new Map<string, number[]>();
      const declared: Record<string, object> = {};
      for (let i = 0; i < 7; i += 1) {
        const name = `v${i}`;
        const before = [...plain.keys()];
        const kind = before.length === 0 ? 0 : random.below(3);
        const workers = random.chance(2) ? { workers: 1 + random.below(4) } : {};
        if (kind === 0) {
          const n = random.below(20);
          declared[name] = { flow: numbers, params: { n }, keep: true, ...workers };
          plain.set(
            name,
            Array.from({ length: n }, (_, at) => at),
          );
        } else if (kind === 1) {
          const from = random.pick(before);
          declared[name] = {
            flow: scaled,
            inputs: { rows: from },
            params: { by: i },
            keep: true,
            ...workers,
          };
          plain.set(
            name,
            (plain.get(from) ?? []).map((n) => n * i),
          );
        } else {
          const [left, right] = [random.pick(before), random.pick(before)];
          declared[name] = { flow: added, inputs: { left, right }, keep: true, ...workers };
          plain.set(name, [...(plain.get(left) ?? []), ...(plain.get(right) ?? [])]);
        }
      }
      const results = await cluster.job
        .metagraph<unknown, Record<string, ReturnType<typeof numbers.builder>>>(declared as never)
        .run();
      for (const [name, rows] of plain) {
        const found = await results[name].collect();
        expect(found.toSorted((a, b) => a - b)).toEqual(rows.toSorted((a, b) => a - b));
      }
    }
  }, 60_000);

  test("a failing vertex cancels siblings within a second, starts nothing that depends on it, and its cause is told", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    gate("bad", "sibling");
    const run = cluster.job
      .metagraph({
        a: { flow: numbers, params: { n: 3 } },
        bad: { flow: thrown, inputs: { rows: "a" }, params: { name: "bad" }, workers: 1 },
        sibling: { flow: held, params: { name: "sibling" }, workers: 1 },
        never: { flow: held, inputs: { rows: "bad" }, params: { name: "never" } },
      })
      .run();
    await until("the sibling runs", () => begun.get("sibling")?.size === 1);
    gates.get("bad")?.open();
    const failed = performance.now();
    const error: unknown = await soon(
      "the end",
      run.catch((cause: unknown) => cause),
    );
    expect(String(error)).toContain("row 7 of bad");
    // Two failures of the same row are one: the time until the second is part of it.
    expect(performance.now() - failed).toBeLessThan(5_000);
    expect(stopped.has("sibling")).toBe(true);
    expect(begun.has("never")).toBe(false);
    await until("nothing is left", () => cluster.files().length === 0);
    expect(await (await cluster.job.execute(numbers, { n: 2 })).collect()).toEqual([0, 1]);
  });

  test("a signal cancels what runs", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    gate("long");
    const stop = new AbortController();
    const run = cluster.job
      .metagraph({ a: { flow: held, params: { name: "long" } } })
      .run({ signal: stop.signal });
    await until("it runs", () => begun.get("long")?.size === 1);
    stop.abort();
    const error: unknown = await soon(
      "the end",
      run.catch((cause: unknown) => cause),
    );
    expect(error).toBeInstanceOf(CancelledError);
    expect(String(error)).toContain("Cannot go on with the metagraph: its signal was aborted");
    expect(stopped.has("long")).toBe(true);
  });

  test("fails a vertex whose function makes a parameter that is read, too", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const twice = {
      flow: scaled,
      inputs: { rows: "a" },
      params: ({ rows }: { rows: Rows }) => ({ rows, by: 2 }),
    };
    const run = cluster.job.metagraph({ a: { flow: numbers, params: { n: 3 } }, twice }).run();
    await expect(soon("the run", run)).rejects.toThrow(
      'Cannot run the metagraph: vertex "twice" is given its parameter "rows" twice, by inputs and params',
    );
  });

  test("C3: refuses by name what cannot be run, before anything runs", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const { job } = cluster;
    const refused = (declare: () => unknown): string => {
      try {
        declare();
      } catch (error) {
        expect(error).toBeInstanceOf(PlanError);
        return error instanceof Error ? error.message.replace("Cannot run the metagraph: ", "") : "";
      }
      return "it was taken";
    };
    const a = { flow: numbers, params: { n: 3 } };
    expect(
      refused(() =>
        job.metagraph({
          a: { flow: scaled, inputs: { rows: "b" }, params: { by: 1 } },
          b: { flow: scaled, inputs: { rows: "a" }, params: { by: 1 } },
        }),
      ),
    ).toBe("it has the cycle a → b → a");
    expect(
      refused(() => job.metagraph({ a, b: { flow: scaled, inputs: { rows: "a.rows" }, params: { by: 1 } } })),
    ).toBe('vertex "a" makes no dataset "a.rows", it makes "a"');
    expect(
      refused(() => job.metagraph({ a, b: { flow: scaled, inputs: { rows: "aa" }, params: { by: 1 } } })),
    ).toBe('vertex "b" reads dataset "aa", which nobody makes, did you mean "a"?');
    expect(
      refused(() => job.metagraph({ a: { ...a, publishes: { x: "" } }, b: { ...a, publishes: { x: "" } } })),
    ).toBe('dataset "x" has two producers, vertices "a" and "b"');
    for (const workers of [0, -1, 1.5]) {
      expect(refused(() => job.metagraph({ a: { ...a, workers } }))).toBe(
        `vertex "a": Cannot execute flow "meta-numbers": workers must be an integer of at least 1, got ${workers}`,
      );
    }
    const twice = { flow: scaled, inputs: { rows: "a" }, params: { by: 1, rows: undefined as never } };
    expect(refused(() => job.metagraph({ a, b: twice }))).toBe(
      'vertex "b" is given its parameter "rows" twice, by inputs and params',
    );
    // What the compiler does not see, since types are not checked when a program runs.
    const misspelt = (more: object) => refused(() => job.metagraph({ a: { ...a, ...more } }));
    expect(misspelt({ param: { n: 3 } })).toContain('unknown option "param", did you mean "params"?');
    expect(misspelt({ worker: 1 })).toContain('unknown option "worker", did you mean "workers"?');
    expect(refused(() => job.metagraph({ a: { flow: undefined as never } }))).toBe(
      'vertex "a" has no flow, got undefined',
    );
  });

  test("tells and draws what it will run", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 1 });
    const metagraph = cluster.job.metagraph({
      a: { flow: numbers, params: { n: 3 }, keep: true },
      b: { flow: scaled, inputs: { rows: "a" }, params: { by: 2 }, workers: 1 },
    });
    expect(metagraph.explain()).toBe(
      [
        "Metagraph: 2 vertices in 2 stages",
        "",
        "Stage 0",
        '  a: flow "meta-numbers"',
        "    keeps its datasets",
        "",
        "Stage 1",
        '  b: flow "meta-scaled", 1 worker',
        "    rows: a",
      ].join("\n"),
    );
    expect(metagraph.plot({ format: "mermaid" })).toBe(
      'flowchart TD\n  v0["a<br/>flow meta-numbers"]\n  v1["b<br/>flow meta-scaled<br/>1 worker"]\n  v0 -->|"a"| v1\n',
    );
    expect(metagraph.plot()).toStartWith("<svg");
  });
});
