/** User code in tasks that throws, waits where nobody does, returns what cannot be stored, or ends its process. */
import { describe, expect, test } from "bun:test";
import { endOf, expectFailure, programOf } from "./mishap.ts";

const LIMIT_MS = 60_000;

const THROWING: readonly (readonly [string, string, string])[] = [
  [
    "map",
    'f.range(100).map((n) => {\n  if (n === 57) throw new RangeError("no 57");\n  return n;\n})',
    "shard 1, row 7: RangeError: no 57\n    at job.ts:3:27",
  ],
  ["map", 'f.range(3, { shards: 1 }).map(() => { throw "text"; })', 'shard 0, row 0: "text" was thrown'],
  [
    "map",
    "f.range(3, { shards: 1 }).map((n) => n.gone.gone)",
    "shard 0, row 0: TypeError: undefined is not an object (evaluating 'n.gone.gone')",
  ],
  [
    "reduceByKey",
    'f.range(9, { shards: 1 }).keyBy(() => 1).reduceByKey(() => { throw new Error("no sum"); })',
    "shard 0, row 1: Error: no sum",
  ],
  [
    "sortBy",
    'f.range(9, { shards: 1 }).sortBy(() => { throw new Error("no key"); })',
    "shard 0: Error: no key",
  ],
  [
    "sort",
    'f.range(9, { shards: 1 }).sort(() => { throw new Error("no order"); })',
    "shard 0: Error: no order",
  ],
  [
    "generate",
    'f.generate(1, async function* () { yield 1; throw new Error("no more"); })',
    "shard 0: Error: no more",
  ],
  [
    "mapShards",
    'f.range(9, { shards: 1 }).mapShards(async function* () { throw new Error("no shard"); })',
    "shard 0: Error: no shard",
  ],
  [
    "writeText",
    'f.range(9, { shards: 1 }).writeText("out", () => { throw new Error("no line"); })',
    "shard 0, row 0: Error: no line",
  ],
  [
    "pipe",
    'f.values(["a"]).pipe("echo bad thing >&2; exit 3")',
    "shard 0: the command `echo bad thing >&2; exit 3` exited with code 3: bad thing",
  ],
  [
    "map",
    "f.range(3, { shards: 1 }).map(() => process.exit(3))",
    "shard 0, row 0: process.exit(3) was called in a task",
  ],
  [
    "partitionBy",
    "f.range(3, { shards: 1 }).partitionBy(() => NaN, 2)",
    "shard 0, row 0: Cannot place a row: the function must return a whole number from 0 to 1: got NaN",
  ],
];

const PROMISE = "Cannot wait for a promise: the function returned one; use mapShards for asynchronous work";
const PROMISE_ROW = "Cannot store a row: it is a promise; use mapShards for asynchronous work";
const ASYNCHRONOUS: readonly (readonly [string, string, string])[] = [
  ["map", "async () => 1", PROMISE_ROW],
  ["filter", "async () => true", `row 0: ${PROMISE}`],
  ["flatMap", "async () => [1]", `row 0: ${PROMISE}`],
  ["tap", "async () => {}", `row 0: ${PROMISE}`],
  ["forEach", "async () => {}", `row 0: ${PROMISE}`],
  ["sortBy", "async () => 1", PROMISE_ROW],
  ["sort", "async () => 1", "Cannot compare two rows: the function must return a number, got a promise"],
  ["reduce", "async () => 1", PROMISE_ROW],
  ["writeText", '"out", async () => "x"', "row 0: the line function returned a promise, not a string"],
];

const UNSTORABLE: readonly (readonly [string, string])[] = [
  ["() => 1", "it is a function"],
  ['Symbol("x")', "it is a symbol"],
  ["new (class Foo {})()", "it is an instance of Foo"],
  ["({ a: { b: [1, () => 2] } })", 'its property "a.b[1]" is a function'],
  ["new Float64Array(2)", "it is an instance of Float64Array"],
  ["((o) => { o.o = o; return o; })({})", 'its property "o" is an object that contains itself'],
];

/** An Error of user code is followed by its own line, unless that is the step's, as in these programs. */
function failing(step: string, what: string): RegExp {
  const text = `error: Cannot run ${step} at job.ts:2: ${what}`.split("\n")[0];
  return new RegExp(`^${RegExp.escape(text)}$`);
}

describe("a closure that throws", () => {
  test.each(THROWING)(
    "in %s is told with its step, line and place: %s",
    async (step, source, what) => {
      const { stderr, added } = await expectFailure({ program: programOf(source) }, 1, failing(step, what));
      expect(stderr).toBe(`error: Cannot run ${step} at job.ts:2: ${what}\n`);
      expect(added).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "is told the same by bun",
    async () => {
      const [step, source, what] = THROWING[0];
      const mishap = { isBun: true, program: programOf(source) };
      const { stderr } = await expectFailure(mishap, 1, failing(step, what));
      expect(stderr).toBe(`error: Cannot run ${step} at job.ts:2: ${what}\n`);
    },
    LIMIT_MS,
  );

  test(
    "something else each time is told once, too",
    async () => {
      const source = 'f.range(3, { shards: 1 }).map(() => { throw new Error("id " + Math.random()); })';
      await expectFailure(
        { program: programOf(source) },
        1,
        /map at job.ts:2: shard 0, row 0: Error: id 0\.\d+$/,
      );
    },
    LIMIT_MS,
  );

  test(
    "only the first time is warned of, as the result is right",
    async () => {
      const source = `f.range(3, { shards: 1 }).map((n) => {
      if (require("node:fs").existsSync("tried")) return n;
      require("node:fs").writeFileSync("tried", "");
      throw new Error("not yet");
    })`;
      const { code, stdout, stderr } = await endOf({
        program: programOf(source, "console.log(...(await out.collect()));"),
      });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "0 1 2\n" });
      expect(stderr).toBe(
        "warning: Task 0 of range → map succeeded only when it was run again, it failed with: " +
          "Cannot run map at job.ts:2: shard 0, row 0: Error: not yet\n",
      );
    },
    LIMIT_MS,
  );
});

describe("an asynchronous closure", () => {
  test.each(ASYNCHRONOUS)(
    "in %s (%s) is refused",
    async (step, closure, what) => {
      const program = programOf(`f.range(3, { shards: 1 }).${step}(${closure})`);
      const separator = what.startsWith("row ") ? ", " : ": ";
      await expectFailure({ program }, 1, `Cannot run ${step} at job.ts:2: shard 0${separator}${what}`);
    },
    LIMIT_MS,
  );

  test.each([
    ["a rejection that nobody handles", 'void Promise.reject(new Error("unheard"))'],
    ["an error in a timer", 'setTimeout(() => { throw new Error("unheard"); }); await new Promise(() => {})'],
  ])(
    "that leaves %s fails its task",
    async (_, code) => {
      const program = programOf(
        `f.range(3, { shards: 1 }).mapShards(async function* (rows) {\n ${code}; yield* rows; })`,
      );
      const line = "Cannot go on with the task: an error was not caught: Error: unheard";
      const { stderr } = await expectFailure({ program }, 1, line);
      expect(stderr).toContain("    at job.ts:3:");
    },
    LIMIT_MS,
  );
});

describe("what cannot be stored", () => {
  test.each(UNSTORABLE)(
    "as a row is named: %s",
    async (value, what) => {
      const program = programOf(`f.range(3, { shards: 1 }).map(() => (${value}))`);
      await expectFailure({ program }, 1, `Cannot run map at job.ts:2: shard 0: Cannot store a row: ${what}`);
    },
    LIMIT_MS,
  );

  test(
    "as a key is named",
    async () => {
      const program = programOf("f.range(3, { shards: 1 }).map((n) => [new Map(), n]).groupByKey()");
      await expectFailure(
        { program },
        1,
        "Cannot run groupByKey at job.ts:2: shard 0: Cannot use a value as a key: it is a Map",
      );
    },
    LIMIT_MS,
  );

  test.each([
    ["() => 1", "a function"],
    ["Symbol()", "a symbol"],
    ["Promise.resolve(1)", "a promise"],
    ["new (class Foo {})()", "an instance of Foo"],
  ])(
    "as a parameter is named: %s",
    async (value, what) => {
      const program = `import { flow, run } from "luciole";
const it = flow("it", (f, p) => f.values([1]));
await run((job) => job.execute(it, { list: [1, ${value}] }));
`;
      const line = `Cannot execute flow "it": its parameters are no plain values: params.list[1] is ${what}`;
      await expectFailure({ program }, 1, line);
    },
    LIMIT_MS,
  );
});
