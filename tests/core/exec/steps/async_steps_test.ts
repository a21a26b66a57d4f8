/** Tests of mapShards, pipe and lines: order, back-pressure, early ends, errors and cancellation. */
import { expect, test } from "bun:test";
import { CancelledError, TaskError } from "../../../../core/errors.ts";
import type { TaskContext } from "../../../../core/exec/context.ts";
import type { Operator } from "../../../../core/exec/operator.ts";
import type { PipeProcess } from "../../../../core/exec/ports.ts";
import { createLines, createMapShards, createPipe } from "../../../../core/exec/steps/async_steps.ts";
import type { UserFunction } from "../../../../core/graph/node.ts";
import { batchesOf, Collector, fakeTask } from "../sort/fake_task.ts";

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a head does: batches, waiting for room between them, then the end. */
async function feed(operator: Operator, rows: readonly unknown[], batchRows = 500): Promise<number> {
  let fed = 0;
  for (const batch of batchesOf(rows, batchRows)) {
    if (operator.isDone?.() ?? false) break;
    operator.batch(batch);
    fed += batch.rows;
    await operator.drained?.();
  }
  await operator.finish();
  operator.close?.();
  return fed;
}

function mapShards(fn: UserFunction, next: Operator, signal = new AbortController().signal): Operator {
  const { scope } = fakeTask({ specs: [{ kind: "mapShards", fn, hasSide: false }], ports: { signal } });
  return createMapShards(scope, { op: "mapShards", node: 0 }, next);
}

test("createMapShards() gives the generator rows in order when they come singly and in batches", async () => {
  const collector = new Collector();
  const operator = mapShards(async function* (rows: AsyncIterable<number>, ctx: TaskContext) {
    yield `shard ${ctx.shard}`;
    for await (const row of rows) if (row % 2 === 0) yield row * 10;
    yield "end";
  }, collector);
  for (const row of [0, 1, 2]) operator.row(row);
  await feed(operator, numbers(20_000).slice(3));
  const even = numbers(10_000).map((i) => i * 20);
  expect(collector.rows).toEqual(["shard 3", ...even, "end"]);
  expect(collector.finishes).toBe(1);
});

test("createMapShards() runs the generator also when the shard is empty", async () => {
  const collector = new Collector();
  await feed(
    mapShards(function* () {
      yield 1;
      yield 2;
    }, collector),
    [],
  );
  expect(collector.rows).toEqual([1, 2]);
});

test("createMapShards() holds the input back when the generator waits", async () => {
  const gate = Promise.withResolvers<void>();
  const operator = mapShards(async function* (rows: AsyncIterable<number>) {
    await gate.promise;
    for await (const row of rows) yield row;
  }, new Collector());
  let rows = 0;
  while (operator.drained?.() === undefined) {
    operator.row(rows);
    rows += 1;
    expect(rows).toBeLessThan(10_000);
  }
  const drained = operator.drained?.();
  gate.resolve();
  await drained;
  await operator.finish();
  operator.close?.();
});

test("createMapShards() is done when the generator returns early", async () => {
  const collector = new Collector();
  const operator = mapShards(async function* (rows: AsyncIterable<number>) {
    for await (const row of rows) {
      yield row;
      if (row === 4) break;
    }
    yield "last";
  }, collector);
  const fed = await feed(operator, numbers(100_000));
  expect(fed).toBeLessThan(20_000);
  expect(collector.rows).toEqual([0, 1, 2, 3, 4, "last"]);
});

test("createMapShards() ends the generator, with its finally blocks, when the next step is done", async () => {
  let isEnded = false;
  const collector = new Collector();
  const next = Object.assign(collector, { isDone: () => collector.rows.length >= 3 });
  const operator = mapShards(async function* () {
    try {
      for (let i = 0; ; i += 1) yield i;
    } finally {
      isEnded = true;
    }
  }, next);
  await feed(operator, numbers(10));
  expect(collector.rows).toEqual([0, 1, 2]);
  expect(isEnded).toBe(true);
});

test("createMapShards() names the step when the generator throws", async () => {
  const operator = mapShards(async function* (rows: AsyncIterable<number>) {
    for await (const row of rows) if (row === 7) throw new Error("seven");
    yield 1;
  }, new Collector());
  const running = feed(operator, numbers(100_000));
  await expect(running).rejects.toThrow("Cannot run mapShards: shard 3: Error: seven");
  await expect(running).rejects.toBeInstanceOf(TaskError);
});

test("createMapShards() leaves the errors of the next step alone", async () => {
  const next = Object.assign(new Collector(), {
    row: () => {
      throw new RangeError("next step");
    },
  });
  const operator = mapShards(async function* () {
    yield 1;
  }, next);
  await expect(feed(operator, [])).rejects.toThrow(new RangeError("next step"));
});

test("createMapShards() refuses a function that returns no iterable", async () => {
  await expect(
    feed(
      mapShards(() => 5, new Collector()),
      [1],
    ),
  ).rejects.toThrow("must return an iterable, got number");
});

test("createMapShards() ends when the task is cancelled and the generator never yields", async () => {
  const controller = new AbortController();
  const collector = new Collector();
  const operator = mapShards(
    async function* () {
      await new Promise(() => undefined);
      yield 1;
    },
    collector,
    controller.signal,
  );
  operator.row(1);
  const finished = operator.finish();
  controller.abort();
  await expect(finished).rejects.toBeInstanceOf(CancelledError);
  operator.close?.();
  expect(collector.finishes).toBe(0);
});

test("createMapShards() gives nothing on after it was closed", async () => {
  const gate = Promise.withResolvers<void>();
  const collector = new Collector();
  const operator = mapShards(async function* () {
    await gate.promise;
    yield 1;
  }, collector);
  operator.row(1);
  const finished = Promise.resolve(operator.finish());
  operator.close?.();
  await expect(finished).rejects.toBeInstanceOf(CancelledError);
  gate.resolve();
  await gate.promise;
  await Promise.resolve();
  expect(collector.rows).toEqual([]);
});

/** A child that gives back its input, changed; its pipe holds one piece only. */
function fakeChild(change: (text: string) => string, options: { readsAtMost?: number; exit?: Error } = {}) {
  const pieces: Uint8Array[] = [];
  let hasEnded = false;
  let isKilled = false;
  let readBytes = 0;
  let wake: () => void = () => undefined;
  const moved = () => {
    const woken = wake;
    wake = () => undefined;
    woken();
  };
  const wait = () =>
    new Promise<void>((resolve) => {
      const other = wake;
      wake = () => {
        other();
        resolve();
      };
    });
  const child: PipeProcess = {
    async write(bytes) {
      if (readBytes >= (options.readsAtMost ?? Number.POSITIVE_INFINITY)) throw new Error("EPIPE");
      while (pieces.length > 0 && !isKilled) await wait();
      pieces.push(bytes);
      readBytes += bytes.length;
      moved();
    },
    end() {
      hasEnded = true;
      moved();
    },
    async *output() {
      while (!isKilled) {
        const piece = pieces.shift();
        if (piece !== undefined) {
          moved();
          yield encoder.encode(change(decoder.decode(piece)));
        } else if (hasEnded || readBytes >= (options.readsAtMost ?? Number.POSITIVE_INFINITY)) {
          break;
        } else {
          await wait();
        }
      }
      if (options.exit !== undefined) throw options.exit;
      if (isKilled) throw new TaskError("Cannot pipe: the process was killed");
    },
    kill() {
      isKilled = true;
      moved();
    },
  };
  return { child, isKilled: () => isKilled };
}

function pipe(child: PipeProcess, next: Operator, signal = new AbortController().signal): Operator {
  const { scope } = fakeTask({
    specs: [{ kind: "pipe", command: "cat" }],
    ports: { signal, spawnPipe: () => child },
  });
  return createPipe(scope, { op: "pipe", node: 0 }, next);
}

test("createPipe() writes and reads at the same time when the child's pipe is small", async () => {
  const collector = new Collector();
  const operator = pipe(fakeChild((text) => text.toUpperCase()).child, collector);
  operator.row("first");
  await feed(
    operator,
    numbers(20_000).map((i) => `row ${i}`),
    100,
  );
  expect(collector.rows).toEqual(["FIRST", ...numbers(20_000).map((i) => `ROW ${i}`)]);
});

test("createPipe() joins lines that the child cuts anywhere", async () => {
  const collector = new Collector();
  const operator = pipe(fakeChild((text) => text.replaceAll("\n", "").concat("|")).child, collector);
  await feed(operator, ["a", "b", "c"], 1);
  expect(collector.rows).toEqual(["a|b|c|"]);
});

test("createPipe() refuses rows that are not strings", async () => {
  const { child, isKilled } = fakeChild((text) => text);
  const running = feed(pipe(child, new Collector()), ["a", 5]);
  await expect(running).rejects.toThrow("Cannot write row 1 as a line: it is of type number, not a string");
  expect(isKilled()).toBe(true);
});

test("createPipe() ends well when the child stops reading and exits with 0", async () => {
  const collector = new Collector();
  const { child } = fakeChild((text) => text, { readsAtMost: 1 });
  const fed = await feed(
    pipe(child, collector),
    numbers(100_000).map((i) => `${i}`),
  );
  expect(fed).toBeLessThan(100_000);
  expect(collector.rows[0]).toBe("0");
  expect(collector.finishes).toBe(1);
});

test("createPipe() fails with the exit of the child", async () => {
  const { child } = fakeChild((text) => text, { exit: new TaskError("Cannot pipe: exit code 3") });
  await expect(feed(pipe(child, new Collector()), ["a"])).rejects.toThrow("exit code 3");
});

test("createPipe() kills the child when the next step is done or the task is cancelled", async () => {
  const collector = new Collector();
  const next = Object.assign(collector, { isDone: () => collector.rows.length > 0 });
  const one = fakeChild((text) => text);
  await feed(
    pipe(one.child, next),
    numbers(50_000).map((i) => `${i}`),
  );
  expect(one.isKilled()).toBe(true);
  const controller = new AbortController();
  const other = fakeChild((text) => text);
  const operator = pipe(other.child, new Collector(), controller.signal);
  operator.row("a");
  controller.abort();
  expect(other.isKilled()).toBe(true);
  await expect(Promise.resolve(operator.finish())).rejects.toBeInstanceOf(CancelledError);
  operator.close?.();
});

function lines(files: Readonly<Record<string, string>>, withPath: boolean, next: Operator) {
  let open = 0;
  const { scope } = fakeTask({
    specs: [{ kind: "lines", withPath }],
    ports: {
      openSplit(split) {
        if (split.kind !== "file" || files[split.path] === undefined) throw new Error("no such file");
        const bytes = encoder.encode(files[split.path]);
        let at = 0;
        open += 1;
        return {
          name: split.path,
          next: () => {
            at += 3;
            return at < bytes.length + 3 ? Promise.resolve(bytes.slice(at - 3, at)) : undefined;
          },
          close: () => {
            open -= 1;
          },
        };
      },
    },
  });
  return { operator: createLines(scope, { op: "lines", node: 0 }, next), open: () => open, scope };
}

test("createLines() gives the lines of each file in order, with their path when asked", async () => {
  const files = { a: "one\ntwo\nthree", é: "four\n\nfive\n", empty: "" };
  const plain = new Collector();
  const some = lines(files, false, plain);
  await feed(some.operator, ["a", "empty", "é"]);
  expect(plain.rows).toEqual(["one", "two", "three", "four", "", "five"]);
  expect(some.scope.totals.bytesIn).toBe(13 + 11);
  const named = new Collector();
  await feed(lines(files, true, named).operator, ["é", "a"], 1);
  expect(named.rows).toEqual([
    ["é", "four"],
    ["é", ""],
    ["é", "five"],
    ["a", "one"],
    ["a", "two"],
    ["a", "three"],
  ]);
  expect(some.open()).toBe(0);
});

test("createLines() names the step when a file cannot be opened, and closes what is open", async () => {
  const some = lines({ a: "one" }, false, new Collector());
  await expect(feed(some.operator, ["a", "b"])).rejects.toThrow(
    "Cannot run lines: shard 3: Error: no such file",
  );
  expect(some.open()).toBe(0);
});
