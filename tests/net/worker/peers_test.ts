/** Where the other agents of a job are: asked once for many readers, and shown what the own agent gave. */
import { expect, test } from "bun:test";
import type { Transport } from "../../../net/protocol.ts";
import { type Peer, Peers } from "../../../net/worker/peers.ts";

test("Peers asks once for readers that come together, again for an agent that is new, and shows the token", async () => {
  const peers: Record<string, string> = { a: "h1:7401" };
  const connected: Peer[] = [];
  let asked = 0;
  const ask = async () => {
    asked++;
    return { peers: { ...peers }, token: `t${asked}` };
  };
  const found = new Peers(ask, (peer) => {
    connected.push(peer);
    return { fetch: async () => new Response() } satisfies Transport;
  });
  const [first, second] = await Promise.all([found.find("a"), found.find("a")]);
  expect(first).toBeDefined();
  expect(second).toBe(first);
  expect(asked).toBe(1);
  expect(connected[0].credentials.headers()).toEqual({ authorization: "Bearer t1" });
  peers.b = "h2:7401";
  expect(await found.find("b")).toBeDefined();
  expect(connected.map(({ agent, address }) => [agent, address])).toEqual([
    ["a", "h1:7401"],
    ["b", "h2:7401"],
  ]);
  // Also for those that it has connected to before.
  expect(connected[0].credentials.headers()).toEqual({ authorization: "Bearer t2" });
  expect(await found.find("c")).toBeUndefined();
});

test("Peers ends what is read of an agent that is gone, and finds it no more until it is of the job again", async () => {
  const hanging: Transport = {
    fetch: (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      }),
  };
  let listed: Record<string, string> = { a: "h1:7401" };
  const peers = new Peers(
    async () => ({ peers: listed }),
    () => hanging,
  );
  const transport = await peers.find("a");
  const reading = transport?.fetch("/v1/x");
  // The agent takes it from its list before it tells.
  listed = {};
  peers.drop("a");
  await expect(reading).rejects.toMatchObject({ code: "agent-gone" });
  await expect(transport?.fetch("/v1/x")).rejects.toThrow("Cannot read of agent a: it is gone");
  expect(await peers.find("a")).toBeUndefined();
  listed = { a: "h1:7401" };
  expect(await peers.find("a")).toBeDefined();
});

test("Peers does not find an agent that went while it asked who is there", async () => {
  const asked = Promise.withResolvers<void>();
  const peers = new Peers(
    async () => {
      await asked.promise;
      return { peers: { a: "h1:7401" } };
    },
    () => ({ fetch: () => Promise.reject(new Error("never asked")) }),
  );
  const finding = peers.find("a");
  peers.drop("a");
  asked.resolve();
  expect(await finding).toBeUndefined();
});
