/** The ends of messages by themselves: epochs, workers that go, messages that nobody hears, and listeners that throw. */
import { describe, expect, test } from "bun:test";
import type { Parcel } from "../../../core/messages/letter.ts";
import { decode, encode } from "../../../net/cbor.ts";
import { AgentClient } from "../../../net/driver/agents/agent_client.ts";
import { DriverMessages } from "../../../net/driver/members/driver_messages.ts";
import type { MessagesRequest } from "../../../net/protocol.ts";
import { WorkerMessages } from "../../../net/worker/worker_messages.ts";
import { runProgram } from "../driver/program.ts";

const WINDOW = 8192;

/** An agent with workers on paper; what it is sent can be waited for. */
class PaperAgent {
  readonly client: AgentClient;
  readonly told = new Map<number, unknown[]>();
  /** Of the parcels that came last. */
  readonly receipts: unknown[] = [];
  #next = Promise.withResolvers<void>();

  constructor(id: string) {
    const transport = {
      fetch: async (_: string, init?: RequestInit) => {
        this.#take(decode(init?.body as Uint8Array) as MessagesRequest);
        return new Response(null, { status: 204 });
      },
    };
    this.client = new AgentClient({ id, job: "j", transport });
  }

  /** Resolves when a condition holds of what has come. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#next.promise;
  }

  #take({ letters, parcels }: MessagesRequest): void {
    for (const { worker, frame, receipt } of parcels) {
      const told = this.told.get(worker) ?? [];
      this.told.set(worker, told);
      for (const at of frame?.letters ?? []) {
        const letter = letters[at];
        told.push(letter instanceof Uint8Array ? decode(letter) : [letter[0], decode(letter[1])]);
      }
      if (receipt !== undefined) this.receipts.push(receipt);
    }
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}

function hello(worker: number): Parcel {
  return { life: `life${worker}` };
}

function said(worker: number, first: number, ...values: unknown[]): Parcel {
  const life = `life${worker}`;
  return { life, frame: { life, base: 0, first, letters: values.map(encode) } };
}

describe("DriverMessages", () => {
  test("M3: send() to all goes to the epoch's workers: neither to those who come later nor to those who have left", async () => {
    const messages = new DriverMessages();
    const [one, two] = [new PaperAgent("a1"), new PaperAgent("a2")];
    messages.add(one.client, [0, 1]);
    const first = messages.send("first", "all");
    messages.add(two.client, [2]);
    const second = messages.send("second", "all");
    messages.leave(1);
    const third = messages.send("third", "all");
    // They join in any order, after all was sent.
    for (const worker of [2, 1, 0]) messages.hear(worker, hello(worker));
    await Promise.all([first, second, third]);
    const refused = messages.send("to one that leaves", [0, 1]);
    await expect(refused).rejects.toThrow("Cannot send to worker 1: the job has workers 0, 2");
    await one.until(() => one.told.get(0)?.length === 3 && one.told.get(1)?.length === 2);
    await two.until(() => two.told.get(2)?.length === 2);
    expect(one.told.get(0)).toEqual(["first", "second", "third"]);
    expect(one.told.get(1)).toEqual(["first", "second"]);
    expect(two.told.get(2)).toEqual(["second", "third"]);
    // It is still heard.
    const words = Promise.withResolvers<unknown>();
    messages.listen(words.resolve);
    messages.hear(1, said(1, 0, "last words"));
    expect(await words.promise).toBe("last words");
    messages.close();
  });

  test("M3: send() to all waits for the slowest; when that goes it reaches all others", async () => {
    const messages = new DriverMessages();
    const [one, two] = [new PaperAgent("a1"), new PaperAgent("a2")];
    messages.add(one.client, [0]);
    messages.add(two.client, [1]);
    messages.hear(0, hello(0));
    for (let n = 0; n < WINDOW; n++) await messages.send(n, [1]);
    let isSent = false;
    const sent = messages.send("all", "all").then(() => {
      isSent = true;
    });
    const later = messages.send("later", [0]);
    await Promise.resolve();
    expect({ isSent, told: one.told.get(0) }).toEqual({ isSent: false, told: undefined });
    messages.removeAgent("a2", "agent a2 is gone");
    await Promise.all([sent, later]);
    await one.until(() => one.told.get(0)?.length === 2);
    expect(one.told.get(0)).toEqual(["all", "later"]);
    await expect(messages.send("one", [1])).rejects.toThrow(
      "Cannot send to worker 1: worker 1 is gone: agent a2 is gone",
    );
    messages.close();
    await expect(messages.send("one", [0])).rejects.toThrow("Cannot send a message: the job is closed");
  });

  test("tells each of many workers something before it tells some of them all", async () => {
    const messages = new DriverMessages();
    const agent = new PaperAgent("a1");
    const busy = Array.from({ length: 8 }, (_, worker) => worker);
    messages.add(agent.client, [...busy, 8]);
    // One fills a frame, and a request has eight of these.
    const large = new Uint8Array(600_000);
    for (let n = 0; n < 3; n++) await messages.send(large, busy);
    await messages.send("small", [8]);
    for (const worker of [...busy, 8]) messages.hear(worker, hello(worker));
    await agent.until(() => agent.told.has(8));
    expect(agent.told.get(0)?.length).toBeLessThan(3);
    await agent.until(() => busy.every((worker) => agent.told.get(worker)?.length === 3));
    messages.close();
  });

  test("close() refuses what waits for room", async () => {
    const messages = new DriverMessages();
    messages.add(new PaperAgent("a1").client, [0]);
    for (let n = 0; n < WINDOW; n++) await messages.send(n, [0]);
    const waiting = messages.send("late", [0]);
    messages.close();
    await expect(waiting).rejects.toThrow("Cannot send to worker 0: the job is closed");
  });

  test("deliver() tells news in order with messages, also where there is no room for these", async () => {
    const messages = new DriverMessages();
    const agent = new PaperAgent("a1");
    messages.add(agent.client, [0]);
    for (let n = 0; n < WINDOW; n++) await messages.send(n, [0]);
    messages.deliver("workersScaledUp", [2, 3], [0, 7]);
    messages.hear(0, hello(0));
    await agent.until(() => agent.told.get(0)?.length === WINDOW + 1);
    expect(agent.told.get(0)?.slice(-2)).toEqual([WINDOW - 1, ["workersScaledUp", [2, 3]]]);
    messages.close();
  });

  test("hear() sends again what a process did not hear to the one in its place, and passes over the late words of the old", async () => {
    const messages = new DriverMessages();
    const agent = new PaperAgent("a1");
    const heard: unknown[] = [];
    messages.listen((message) => heard.push(message));
    messages.add(agent.client, [0]);
    for (const n of [0, 1, 2]) await messages.send(n, [0]);
    messages.hear(0, said(0, 0, "a"));
    await agent.until(() => agent.told.get(0)?.length === 3);
    messages.hear(0, { life: "life0", receipt: { life: "life0", received: 3, heard: 2 } });
    messages.exited(0);
    messages.hear(0, { life: "other", frame: { life: "other", base: 0, first: 0, letters: [encode("b")] } });
    messages.hear(0, said(0, 1, "late"));
    await agent.until(() => agent.told.get(0)?.length === 4);
    expect(agent.told.get(0)).toEqual([0, 1, 2, 2]);
    expect(heard).toEqual(["a", "b"]);
    messages.close();
  });

  test("messages that nobody hears for a while are told to those who sent them", async () => {
    const messages = new DriverMessages({ unheardMs: 1 });
    const agent = new PaperAgent("a1");
    messages.add(agent.client, [0]);
    messages.hear(0, said(0, 0, "a"));
    await agent.until(() => agent.receipts.length > 0);
    expect(agent.receipts).toEqual([{ life: "life0", received: 1, heard: 0, isUnheard: true }]);
    const heard = Promise.withResolvers<unknown>();
    messages.listen(heard.resolve);
    expect(await heard.promise).toBe("a");
    await agent.until(() => agent.receipts.length > 1);
    expect(agent.receipts[1]).toEqual({ life: "life0", received: 1, heard: 1 });
    messages.close();
  });
});

describe("WorkerMessages", () => {
  function open() {
    const mail = { parcels: [] as Parcel[], failures: [] as unknown[], onMail: (): void => undefined };
    const messages = new WorkerMessages({
      unheardMs: 1,
      onMail: () => mail.onMail(),
      onFailure: (_, error) => mail.failures.push(error),
    });
    const take = (): Parcel | undefined => {
      const parcel = messages.take();
      if (parcel !== undefined) mail.parcels.push(parcel);
      return parcel;
    };
    const life = take()?.life ?? "";
    return { messages, mail, take, life };
  }

  test("settled() holds a task that sent more than may be under way, and fails it when nobody listens", async () => {
    const { messages, life } = open();
    for (let n = 0; n < WINDOW; n++) messages.send(n);
    expect(messages.settled()).toBeUndefined();
    messages.send("more");
    const awaited = messages.send("awaited");
    const settled = messages.settled();
    expect(settled).toBeInstanceOf(Promise);
    const refused = Promise.allSettled([awaited, settled]);
    messages.take();
    // What is awaited is asked for by then, and has a promise.
    await Promise.resolve();
    messages.hear({ life, receipt: { life, received: 1, heard: 0, isUnheard: true } });
    const why = `Cannot send to the driver: ${WINDOW} messages wait at the driver, and nobody listens there`;
    for (const end of await refused)
      expect(end).toMatchObject({ status: "rejected", reason: { message: why } });
    expect(() => messages.send("again")).toThrow("nobody listens there");
    messages.close();
  });

  test("settled() resolves when the driver has heard enough", async () => {
    const { messages, life, take } = open();
    for (let n = 0; n < WINDOW + 2; n++) messages.send(n);
    const settled = messages.settled();
    while (take() !== undefined);
    messages.hear({ life, receipt: { life, received: 2, heard: 2 } });
    await settled;
    expect(messages.settled()).toBeUndefined();
    expect(take()?.frame?.first).toBe(WINDOW);
    messages.close();
  });

  test("hear() of messages for which nobody listens tells so after a while", async () => {
    const { messages, mail, take, life } = open();
    const told = new Promise<void>((resolve) => {
      mail.onMail = resolve;
    });
    messages.hear({ life, frame: { life, base: 5, first: 5, letters: [encode(1)] } });
    await told;
    let receipt = take()?.receipt;
    while (receipt?.isUnheard !== true) {
      await new Promise<void>((resolve) => {
        mail.onMail = resolve;
      });
      receipt = take()?.receipt;
    }
    expect(receipt).toEqual({ life, received: 6, heard: 5, isUnheard: true });
    messages.close();
  });

  test("listen() gives what was kept, in order, news beside messages, and later attempts what earlier ones left", async () => {
    const { messages, life } = open();
    const letters = [encode("a"), ["workersScaledUp", encode(1)] as const, encode("b")];
    messages.hear({ life, frame: { life, base: 0, first: 0, letters } });
    const heard: unknown[] = [];
    const both = Promise.withResolvers<void>();
    messages.listen("workersScaledUp", (n: number) => {
      heard.push(n);
      both.resolve();
    });
    await both.promise;
    messages.forgetAttempt();
    const all = Promise.withResolvers<void>();
    messages.listen("driverMessage", (message: string) => {
      heard.push(message);
      if (message === "c") all.resolve();
    });
    messages.hear({ life, frame: { life, base: 0, first: 3, letters: [encode("c")] } });
    await all.promise;
    expect(heard).toEqual([1, "a", "b", "c"]);
    messages.close();
  });
});

test("M5: a listener of the driver that throws keeps other listeners and later messages from nothing", async () => {
  const text = `
    import { flow, run } from "luciole";
    const talking = flow("talking", (f) => f.range(3, { shards: 1 }).tap((n, ctx) => ctx.sendToDriver(n)));
    let thrown = 0;
    process.on("uncaughtException", () => thrown++);
    await run(async (job) => {
      const heard: number[] = [];
      job.on("workerMessage", () => { throw new RangeError("not for me"); });
      job.on<number>("workerMessage", (n) => heard.push(n));
      await job.execute(talking);
      await new Promise((resolve) => setTimeout(resolve, 0));
      console.log(JSON.stringify({ heard, thrown }));
    });
  `;
  const { code, stdout } = await runProgram(text, { env: { LUCIOLE_WORKERS: "1" } });
  expect({ code, stdout }).toEqual({ code: 0, stdout: '{"heard":[0,1,2],"thrown":3}\n' });
}, 60_000);
