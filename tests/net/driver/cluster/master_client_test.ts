/** The driver's client of masters, against real sockets with the right and the wrong things behind them. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { AuthError, LucioleError } from "../../../../core/errors.ts";
import { createApp } from "../../../../net/app.ts";
import { MASTER_ROUTES } from "../../../../net/cluster_protocol.ts";
import { MasterClient } from "../../../../net/driver/cluster/master_client.ts";
import { PROTOCOL_HEADER } from "../../../../net/protocol.ts";
import { failure } from "../../../../net/replies.ts";
import { agentInfo, heartbeat, jobLoad, request } from "../../../core/cluster/agents.ts";
import { MasterWorld } from "../../master/master_world.ts";
import { dial, freeAddress, listen, type Served, serve } from "../../master/served.ts";

const open: { stop(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

function kept<T extends Served>(served: T): T {
  open.push(served);
  return served;
}

async function openMaster(id = "m1"): Promise<{ readonly world: MasterWorld; readonly address: string }> {
  const world = new MasterWorld(id);
  const { address } = kept(await serve(world.master.fetch));
  open.push({ stop: () => world.close() });
  return { world, address };
}

const clientOf = (...addresses: readonly string[]) =>
  new MasterClient({ masters: addresses.map(dial), timeoutMs: 2_000 });

async function errorOf(address: string): Promise<LucioleError> {
  const error = await clientOf(address)
    .health()
    .catch((caught) => caught);
  if (!(error instanceof LucioleError)) throw new Error(`no error, but ${JSON.stringify(error)}`);
  expect(error.message).toStartWith(`Cannot use the master at ${address}: `);
  expect(error.message).not.toContain("\n");
  expect(error.fields.address).toBe(address);
  return error;
}

describe("MasterClient", () => {
  test("asks for workers, jobs, the cluster and its health", async () => {
    const { world, address } = await openMaster();
    const client = clientOf(address);
    const beat = heartbeat(agentInfo("a"), 0, [jobLoad("j", 1)]);
    await world.call("POST", MASTER_ROUTES.heartbeats(), beat);
    expect(await client.place(request("k", 2))).toMatchObject({ grants: [{ workers: 2 }], missing: 0 });
    expect((await client.cluster()).agents.length).toBe(1);
    expect((await client.jobs()).map(({ job }) => job)).toEqual(["j"]);
    expect(await client.health()).toMatchObject({ role: "master", id: "m1", agents: 1 });
  });

  test("waits for slots at the master, and leaves the line when it is aborted", async () => {
    const { world, address } = await openMaster();
    const client = clientOf(address);
    const leaving = new AbortController();
    const agent = agentInfo("a", { slots: 2 });
    await world.call("POST", MASTER_ROUTES.heartbeats(), heartbeat(agent, 0, [jobLoad("other", 1)]));
    const whole = { leastWorkers: 2 };
    const left = client.place(request("left", 2, whole), { waitMs: 60_000, signal: leaving.signal });
    left.catch(() => undefined);
    // What is free is kept for the first in the line.
    let isKept = false;
    while (!isKept) isKept = (await client.place(request("probe", 1))).ahead === 1;
    const held = client.place(request("held", 1), { waitMs: 60_000 });
    leaving.abort(new Error("changed my mind"));
    await expect(left).rejects.toThrow("changed my mind");
    expect(await held).toMatchObject({ missing: 0 });
  });

  test("goes on with the next master when one is gone, and stays there", async () => {
    const dead = await freeAddress();
    const { address } = await openMaster("m2");
    const client = clientOf(dead, address);
    expect(await client.health()).toMatchObject({ id: "m2" });
    expect(client.address).toBe(address);
    expect(await client.health()).toMatchObject({ id: "m2" });
  });

  test("goes on with the next master when the one that it waits at ends", async () => {
    const first = new MasterWorld("m1");
    const asked = Promise.withResolvers<void>();
    const served = kept(
      await serve((incoming) => {
        const answer = first.master.fetch(incoming);
        asked.resolve();
        return answer;
      }),
    );
    const { world, address } = await openMaster("m2");
    await world.call("POST", MASTER_ROUTES.heartbeats(), heartbeat(agentInfo("a"), 0));
    const client = clientOf(served.address, address);
    const placement = client.place(request("j", 1), { waitMs: 60_000 });
    await asked.promise;
    await served.stop();
    first.close();
    expect(await placement).toMatchObject({ missing: 0 });
  });

  test("throws what a master says of a request, without asking the next", async () => {
    const { address } = await openMaster();
    const { world } = await openMaster("m2");
    const placed = clientOf(address).place(request("no id", 1));
    await expect(placed).rejects.toThrow("job must be an id");
    expect(world.failures).toEqual([]);
  });

  test("names all masters and their troubles in one line when none is of use", async () => {
    const dead = await freeAddress();
    const other = kept(await serve(() => new Response("hello")));
    const error = await clientOf(dead, other.address)
      .jobs()
      .catch((caught) => caught);
    expect(error).toMatchObject({ code: "unreachable", retryable: true });
    expect(error.message).toBe(
      `Cannot use any of 2 masters: at ${dead} nothing listens there; ` +
        `at ${other.address} something else than luciole listens there (it answered with status 200)`,
    );
  });
});

describe("what MasterClient says when there is", () => {
  test("nothing", async () => {
    const error = await errorOf(await freeAddress());
    expect(error).toMatchObject({ code: "unreachable", retryable: true, fields: { reason: "refused" } });
    expect(error.message).toEndWith(": nothing listens there");
  });

  test("no host of that name", async () => {
    const error = await errorOf("no-such-host.invalid:7400");
    expect(error.code).toBe("unreachable");
  });

  test("another web server, also one that sends elsewhere", async () => {
    const html = kept(await serve(() => new Response("<html>", { status: 404 })));
    expect(await errorOf(html.address)).toMatchObject({ code: "foreign", fields: { reason: "no-luciole" } });
    const { address } = await openMaster();
    const moved = kept(await serve(() => Response.redirect(`http://${address}/v1/health`, 307)));
    expect(await errorOf(moved.address)).toMatchObject({ code: "foreign", fields: { reason: "no-luciole" } });
  });

  const strange: readonly (readonly [string, (socket: Socket) => void])[] = [
    ["a server that speaks first, as ssh does", (socket) => socket.write("SSH-2.0-OpenSSH_9.6\r\n")],
    ["a server that closes at once", (socket) => socket.destroy()],
    ["a server that closes when it is asked", (socket) => socket.on("data", () => socket.end())],
    ["a server that answers with nonsense", (socket) => socket.on("data", () => socket.end("\0\x01\x02"))],
  ];
  for (const [what, onConnection] of strange) {
    test(what, async () => {
      const { address } = kept(await listen(onConnection));
      const error = await errorOf(address);
      expect(error.code).toBe("unreachable");
      expect(error.message).toContain("something else than luciole listens there");
    });
  }

  test("a server that never answers", async () => {
    const { address } = kept(await listen(() => undefined));
    const client = new MasterClient({ masters: [dial(address)], timeoutMs: 200 });
    const error = await client.health().catch((caught) => caught);
    expect(error.message).toBe(`Cannot use the master at ${address}: nothing answered within 200 ms`);
  });

  test("an agent", async () => {
    const { address } = kept(await serve((incoming) => createApp("agent").fetch(incoming)));
    const error = await errorOf(address);
    expect(error).toMatchObject({ code: "foreign", fields: { reason: "agent" } });
    expect(error.message).toEndWith(": an agent listens there, and not a master");
  });

  test("another version", async () => {
    const other = () => new Response("", { status: 426, headers: { [PROTOCOL_HEADER]: "99" } });
    const { address } = kept(await serve(other));
    const error = await errorOf(address);
    expect(error.code).toBe("protocol");
    expect(error.message).toEndWith(
      ": it speaks protocol 99, this program 1; use the same version of luciole for both",
    );
  });

  const tokens: readonly (readonly [object, RegExp])[] = [
    [
      { reason: "missing" },
      /: the cluster has a secret, and this program none: name its file with --token-file$/,
    ],
    [{ reason: "signature" }, /: the cluster has another secret than this program$/],
    [
      { reason: "expired", now: Date.now() + 50_000_000 },
      /: its clock is (49|50)\d{3} s before the one of this machine/,
    ],
    [
      { reason: "notYetValid", now: Date.now() - 50_000_000 },
      /: its clock is 50\d{3} s behind the one of this machine/,
    ],
    [{ reason: "expired" }, /: its clock and the one of this machine differ$/],
    [{ reason: "otherJob" }, /: Cannot take the request: no$/],
  ];
  for (const [fields, message] of tokens) {
    test(`a master that refuses the token: ${JSON.stringify(fields).replaceAll(/\d{5,}/g, "…")}`, async () => {
      const refusal = new AuthError("Cannot take the request: no", { fields: { ...fields } });
      const { address } = kept(await serve(() => failure(refusal, 401)));
      const error = await errorOf(address);
      expect(error).toBeInstanceOf(AuthError);
      expect(error.message).toMatch(message);
    });
  }
});
