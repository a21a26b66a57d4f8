/** Worker programs in which something goes wrong: every wait ends, and with the first cause. */
import { afterAll, describe, expect, test } from "bun:test";
import type { LucioleError } from "../../core/errors.ts";
import type { WorkerContext } from "../../core/exec/worker_context.ts";
import { worker } from "../../core/program/worker.ts";
import { Cluster } from "./cluster.ts";

/** What each rank does, by the name of the case; the others wait for each other in a barrier. */
const CASES: Readonly<Record<string, (ctx: WorkerContext) => unknown>> = {
  throws: async (ctx) => {
    if (ctx.rank === 2) throw new RangeError("no such number");
    await ctx.barrier();
  },
  "returns early": async (ctx) => {
    await ctx.barrier();
    if (ctx.rank !== 1) await ctx.barrier();
  },
  mismatch: async (ctx) => {
    if (ctx.rank === 0) await ctx.barrier();
    else await ctx.allReduce(1, "sum");
  },
  "other lengths": async (ctx) => {
    await ctx.allReduce(new Float64Array(2 + (ctx.rank % 2)), "sum");
  },
  "other arrays": async (ctx) => {
    await ctx.reduce(
      Array.from({ length: 2 + (ctx.rank % 2) }, () => 1),
      "max",
    );
  },
  "other root": async (ctx) => {
    await ctx.broadcast("x", ctx.rank % 2);
    await ctx.barrier();
  },
  "waits in vain": async (ctx) => {
    if (ctx.rank === 0) await ctx.receive(1);
    else await ctx.receive(0);
  },
  "forgets to await": async (ctx) => {
    if (ctx.rank === 1) void ctx.receive(0);
    else await ctx.barrier();
  },
  "sends to nobody": async (ctx) => await ctx.send(ctx.size, 1),
  "sends a function": async (ctx) => await ctx.allGather(() => 1),
  "strange root": async (ctx) => await ctx.broadcast(1, ctx.size),
  "too few for all": async (ctx) => await ctx.allToAll([1]),
  "strange reduction": async (ctx) => await ctx.reduce(1, "product" as "sum"),
};

const going = worker("wp-going-wrong", async (ctx, p: { which: string }) => await CASES[p.which](ctx), {
  timeout: "300ms",
});
const patient = worker("wp-patient", async (ctx, p: { which: string }) => await CASES[p.which](ctx));
const ranks = worker("wp-ranks", (ctx) => ctx.allGather(ctx.rank));

const cluster = await Cluster.open({ agents: 2, slots: 2 });
afterAll(() => cluster[Symbol.asyncDispose]());

async function failureOf(program: typeof going, which: string): Promise<LucioleError> {
  const failed: unknown = await cluster.job.execute(program, { which }).then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
  // The workers are free again, and their next program is not disturbed.
  expect(await (await cluster.job.execute(ranks)).collect()).toEqual(new Array(4).fill([0, 1, 2, 3]));
  return failed as LucioleError;
}

describe("a worker program fails as a whole", () => {
  test("with what one of its functions threw, while others wait", async () => {
    const error = await failureOf(patient, "throws");
    expect(error.code).toBe("task");
    expect(error.message).toContain("no such number");
    expect(error.message).toContain("worker_program_errors_test.ts");
    expect(error.message).toContain("shard 2");
  });

  test("when a member has returned for which others wait", async () => {
    const error = await failureOf(patient, "returns early");
    expect(error.code).toBe("member-returned");
    expect(error.message).toMatch(
      /^Cannot go on with barrier \(collective 2\) of rank [023] \(worker [023] on agent agent[01], epoch 1\): rank 1 \(worker 1 on agent agent0, epoch 1\) has returned after 1 collectives/,
    );
  });

  test("when members are in different operations, and both are named", async () => {
    const error = await failureOf(patient, "mismatch");
    expect(error.code).toBe("collective-mismatch");
    expect(error.message).toMatch(/barrier \(collective 1\)/);
    expect(error.message).toMatch(/allReduce sum \(collective 1\)/);
    expect(error.message).toMatch(/rank \d \(worker \d on agent agent[01], epoch 1\): rank \d/);
  });

  test("when members give vectors of different lengths, and roots that differ", async () => {
    const lengths = await failureOf(patient, "other lengths");
    expect(lengths.message).toMatch(/sum of Float64Array\([23]\) \(collective 1\).*Float64Array\([23]\)/);
    const arrays = await failureOf(patient, "other arrays");
    expect(arrays.code).toBe("collective-mismatch");
    expect(arrays.message).toMatch(/max of Array\([23]\) to rank 0 \(collective 1\).*max of Array\([23]\)/);
    const root = await failureOf(patient, "other root");
    expect(root.code).toBe("collective-mismatch");
    expect(root.message).toMatch(/broadcast of rank [01]/);
  });

  test("when a function returns before what it began is over, which disturbs nobody later", async () => {
    const error = await failureOf(patient, "forgets to await");
    expect(error.code).toBe("not-awaited");
    expect(error.message).toMatch(
      /^Cannot end rank 1 .*: its function has returned before receive was over; await it/,
    );
  });

  test("when one waited for longer than the program allows, and says for whom", async () => {
    const error = await failureOf(going, "waits in vain");
    expect(error.code).toBe("collective-timeout");
    expect(error.message).toMatch(
      /^Cannot go on with receive of rank \d \(worker \d on agent agent[01], epoch 1\): rank [01] \(worker [01] on agent agent0, epoch 1\) sent nothing of it within 0.3 s/,
    );
  });

  test.each([
    ["sends to nobody", /Cannot send: rank must be one of the 4 from 0, got 4/],
    ["sends a function", /Cannot encode a value: value(\[0\])? is a function/],
    ["strange root", /Cannot broadcast: root must be a rank of the 4 from 0, got 4/],
    ["too few for all", /Cannot allToAll: values must be an array of 4, got an array of 1/],
    ["strange reduction", /Cannot reduce: by must be "sum", "min", "max" or a function, got "product"/],
  ])("when one %s", async (which, text) => {
    expect((await failureOf(patient, which)).message).toMatch(text);
  });
});

describe("worker()", () => {
  test("refuses what is no program", () => {
    expect(() => worker("wp-none", 1 as never)).toThrow("Cannot use worker: fn must be a function, got 1");
    expect(() => worker("wp-none", () => 1, { timeout: "soon" })).toThrow(
      'Cannot use worker: timeout must be a time such as "30s", got "soon"',
    );
    expect(() => worker("", () => 1)).toThrow("name must be a string with content");
  });

  test("can be cancelled while its members wait", async () => {
    const execution = cluster.job.start(patient, { which: "waits in vain" });
    execution.cancel();
    await expect(execution.done).rejects.toThrow(/cancelled/);
    expect(await (await cluster.job.execute(ranks)).collect()).toHaveLength(4);
  });
});
