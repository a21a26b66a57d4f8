/** Agents that answer nothing, while a job comes to them and while it runs; and drivers that could not hear them. */
import { expect, test } from "bun:test";
import type { AgentEvent } from "../../../../core/schedule/attempts/order.ts";
import { encode } from "../../../../net/cbor.ts";
import { AgentClient } from "../../../../net/driver/agents/agent_client.ts";
import { AgentRequests } from "../../../../net/driver/agents/agent_requests.ts";
import { watchAgent } from "../../../../net/driver/agents/agent_watch.ts";
import { watchStart } from "../../../../net/driver/agents/start_watch.ts";
import type { Transport } from "../../../../net/protocol.ts";
import { soon, until } from "../../../oracle/until.ts";

const never = (signal: AbortSignal | null | undefined): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

function standStill(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test("an agent that falls silent while a job is brought to it is given up, by name", async () => {
  const over = new AbortController();
  let asked = 0;
  // The way to it breaks after the first answer.
  const ask = async (signal: AbortSignal) => (++asked === 1 ? undefined : never(signal));
  const silent = watchStart("agent a1", ask, { leaseMs: 300, lostMs: 300 }, over.signal);
  await until("it is given up", () => silent.aborted);
  expect(silent.reason).toMatchObject({
    code: "unreachable",
    message: "Cannot reach agent a1: it did not answer for 0.3 s",
  });
  over.abort();
});

test("an agent that answers is asked until all is brought, and refusals are answers", async () => {
  const over = new AbortController();
  let asked = 0;
  const ask = async () => {
    if (++asked % 2 === 0) throw new Error("no such job");
  };
  const silent = watchStart("agent a1", ask, { leaseMs: 50, lostMs: 20_000 }, over.signal);
  await until("it was asked often", () => asked > 10);
  over.abort();
  expect(silent.aborted).toBe(false);
});

test("a driver that stood still with a request on its way misses no agent for that", async () => {
  let asked = 0;
  const onWay = Promise.withResolvers<void>();
  const transport: Transport = {
    fetch: async (path, init) => {
      if (path.includes("/events")) return await never(init?.signal);
      // What was on its way when the machine fell asleep has no answer.
      if (++asked > 1) return new Response(null, { status: 204 });
      onWay.resolve();
      return await never(init?.signal);
    },
  };
  const client = new AgentClient({ id: "a1", job: "j1", transport });
  const ending = new AbortController();
  const lease = { leaseMs: 2_000, lostMs: 2_000 };
  const lost = watchAgent({ client, signal: ending.signal, lease, onEvents: () => undefined });
  await onWay.promise;
  standStill(3_000);
  await until("it was asked again", () => asked > 3);
  ending.abort();
  expect(await soon("its end", lost)).toBe("the driver left it");
});

test("a driver that stood still for longer than its lease is told so", async () => {
  const transport: Transport = {
    fetch: async (path, init) => {
      if (path.includes("/events")) return await never(init?.signal);
      const error = {
        name: "LucioleError",
        code: "not-found",
        message: "no job",
        retryable: false,
        fields: { job: "j1" },
      };
      return new Response(encode(error) as Uint8Array<ArrayBuffer>, { status: 404 });
    },
  };
  const client = new AgentClient({ id: "a1", job: "j1", transport });
  const lease = { leaseMs: 2_000, lostMs: 10_000 };
  const lost = watchAgent({
    client,
    signal: new AbortController().signal,
    lease,
    onEvents: () => undefined,
  });
  standStill(2_500);
  expect(await soon("its loss", lost)).toMatch(
    /^it has ended the job: the driver was busy or stopped for \d s, and its lease is 2 s \(--lease\)$/,
  );
});

test("an agent that falls silent is waited for until it counts as lost, and not from the next question on", async () => {
  const lostMs = 8_000;
  let asked = 0;
  const waited = Promise.withResolvers<number>();
  const transport: Transport = {
    fetch: async (path, init) => {
      if (path.includes("/events")) return await never(init?.signal);
      if (asked++ === 0) return new Response(null, { status: 204 });
      const begun = performance.now();
      init?.signal?.addEventListener("abort", () => waited.resolve(performance.now() - begun));
      return await never(init?.signal);
    },
  };
  const client = new AgentClient({ id: "a1", job: "j1", transport });
  const { signal } = new AbortController();
  void watchAgent({ client, signal, lease: { leaseMs: lostMs, lostMs }, onEvents: () => undefined });
  // It was asked a fifth of that time after its last answer.
  expect(await waited.promise).toBeLessThan(lostMs - 100);
});

test("events that the agent has and that do not come are asked for on another connection", async () => {
  const event = { kind: "workerStarted", worker: 0 } as const;
  const asked: string[] = [];
  const transport: Transport = {
    fetch: async (path, init) => {
      if (!path.includes("/events")) return new Response(encode({ told: 2 }) as Uint8Array<ArrayBuffer>);
      asked.push(path);
      const { signal } = init ?? {};
      // One event comes by each connection, which then neither ends nor brings any more.
      return new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(encode(event));
            signal?.addEventListener("abort", () => controller.error(signal.reason));
          },
        }),
      );
    },
  };
  const client = new AgentClient({ id: "a1", job: "j1", transport });
  const ending = new AbortController();
  const { signal } = ending;
  const heard: AgentEvent[] = [];
  const onEvents = (events: readonly AgentEvent[]): undefined => void heard.push(...events);
  const lost = watchAgent({ client, signal, lease: { leaseMs: 1_000, lostMs: 1_000 }, onEvents });
  await until("both have come", () => heard.length === 2);
  expect(asked.map((path) => path.split("?")[1])).toEqual(["after=0", "after=1"]);
  ending.abort();
  expect(await soon("its end", lost)).toBe("the driver left it");
});

test("events whose listener takes long are not asked for again", async () => {
  let asked = 0;
  let renewed = 0;
  let tell: () => void = () => undefined;
  const transport: Transport = {
    fetch: async (path, init) => {
      if (!path.includes("/events")) {
        renewed++;
        return new Response(encode({ told: 2 }) as Uint8Array<ArrayBuffer>);
      }
      asked++;
      const { signal } = init ?? {};
      const start = (controller: ReadableStreamDefaultController): void => {
        tell = () => controller.enqueue(encode({ kind: "workerStarted", worker: 0 }));
        tell();
        signal?.addEventListener("abort", () => controller.error(signal.reason));
      };
      return new Response(new ReadableStream({ start }));
    },
  };
  const client = new AgentClient({ id: "a1", job: "j1", transport });
  const ending = new AbortController();
  const { signal } = ending;
  const gate = Promise.withResolvers<void>();
  let heard = 0;
  const onEvents = (events: readonly AgentEvent[]) => {
    heard += events.length;
    return gate.promise;
  };
  void watchAgent({ client, signal, lease: { leaseMs: 250, lostMs: 1_000 }, onEvents });
  await until("its lease was renewed often", () => renewed > 30);
  gate.resolve();
  tell();
  await until("the second one was heard", () => heard === 2);
  expect(asked).toBe(1);
  ending.abort();
});

test("a request that has no answer for long is sent again, while its agent counts as there", async () => {
  const sent: string[] = [];
  const transport: Transport = {
    fetch: async (path, init) => {
      sent.push(path);
      return sent.length === 1 ? await never(init?.signal) : new Response(null, { status: 204 });
    },
  };
  const requests = new AgentRequests();
  requests.add(new AgentClient({ id: "a1", job: "j1", transport, answerMs: 100 }));
  requests.queue("a1", (client) => client.cancel(["e0-0-0-0"]));
  requests.queue("a1", (client) => client.dropPeer("a2", 1));
  await soon("all answers", requests.settled());
  expect(sent).toEqual(["/v1/jobs/j1/cancel", "/v1/jobs/j1/cancel", "/v1/jobs/j1/peers/a2?version=1"]);
});

test("F5: an agent that answers nothing, and closes no connection, is lost after the time for that, and not before", async () => {
  const over = new AbortController();
  const transport: Transport = { fetch: (_, init) => never(init?.signal) };
  const client = new AgentClient({ id: "a1", job: "j", transport });
  const beganAt = performance.now();
  const lease = { leaseMs: 1_000, lostMs: 1_000 };
  const lost = watchAgent({ client, signal: over.signal, lease, onEvents: () => undefined });
  expect(await soon("its loss", lost)).toContain("did not answer for");
  expect(performance.now() - beganAt).toBeGreaterThanOrEqual(990);
  over.abort();
});
