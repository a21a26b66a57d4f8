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

test("Peers ends what is read of an agent that is gone, and finds it no more", async () => {
  const hanging: Transport = {
    fetch: (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      }),
  };
  const peers = new Peers(
    async () => ({ peers: { a: "h1:7401" } }),
    () => hanging,
  );
  const transport = await peers.find("a");
  const reading = transport?.fetch("/v1/x");
  peers.drop("a");
  await expect(reading).rejects.toMatchObject({ code: "agent-gone" });
  await expect(transport?.fetch("/v1/x")).rejects.toThrow("Cannot read of agent a: it is gone");
  expect(await peers.find("a")).toBeUndefined();
});
