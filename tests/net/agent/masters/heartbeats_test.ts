/** The heartbeats of an agent to masters that come, go, hang and refuse. */
import { afterEach, describe, expect, test } from "bun:test";
import type { AgentLoad, ClusterView } from "../../../../core/cluster/agent_info.ts";
import type { LucioleError } from "../../../../core/errors.ts";
import { Heartbeats } from "../../../../net/agent/masters/heartbeats.ts";
import { MASTER_ROUTES } from "../../../../net/cluster_protocol.ts";
import type { MasterLink } from "../../../../net/master_request.ts";
import { failure } from "../../../../net/replies.ts";
import { agentInfo, agentLoad, heartbeat, jobLoad } from "../../../core/cluster/agents.ts";
import { MasterWorld } from "../../master/master_world.ts";
import { dial, freeAddress, listen, type Served, serve } from "../../master/served.ts";

/** Until something holds; the test's own deadline is the bound. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const agent = agentInfo("a");

class Sender {
  readonly notices: string[] = [];
  readonly refused: LucioleError[] = [];
  load: AgentLoad = agentLoad(agent, []);
  readonly heartbeats: Heartbeats;

  constructor(masters: readonly MasterLink[], intervalMs = 20) {
    this.heartbeats = new Heartbeats({
      masters,
      agent,
      load: () => this.load,
      intervalMs,
      onNotice: (text) => this.notices.push(text),
      onRefused: (error) => this.refused.push(error),
    });
  }
}

/** A master whose requests are counted. */
class Counted {
  readonly world: MasterWorld;
  beats = 0;
  readonly link: MasterLink;
  constructor(id: string, intervalMs?: number) {
    this.world = new MasterWorld(id, intervalMs);
    const fetch = async (path: string, init?: RequestInit) => {
      this.beats++;
      return await this.world.master.fetch(new Request(`http://${id}${path}`, init));
    };
    this.link = { address: `${id}:7400`, transport: { fetch } };
  }
  async states(): Promise<readonly string[]> {
    const { agents } = await this.world.call<ClusterView>("GET", MASTER_ROUTES.cluster());
    return agents.map((view) => `${view.agent.id} ${view.state} ${view.load.freeSlots}`);
  }
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function open(masters: readonly MasterLink[], intervalMs?: number): Sender {
  const sender = new Sender(masters, intervalMs);
  closing.push(() => sender.heartbeats.close());
  return sender;
}

function master(id: string, intervalMs?: number): Counted {
  const counted = new Counted(id, intervalMs);
  closing.push(() => counted.world.close());
  return counted;
}

async function kept(served: Promise<Served>): Promise<Served> {
  const it = await served;
  closing.push(() => it.stop());
  return it;
}

describe("Heartbeats", () => {
  test("tells all masters at once, when something changes, and at the end", async () => {
    const masters = [master("m1"), master("m2")];
    const sender = open(masters.map(({ link }) => link));
    for (const one of masters) await until(async () => (await one.states())[0] === "a alive 4");
    sender.load = agentLoad(agent, [jobLoad("j", 3)]);
    sender.heartbeats.changed();
    for (const one of masters) await until(async () => (await one.states())[0] === "a alive 1");
    await sender.heartbeats.close();
    for (const one of masters) expect(await one.states()).toEqual(["a left 1"]);
    expect(sender.notices.sort()).toEqual([
      "master m1 at m1:7400 knows this agent",
      "master m2 at m2:7400 knows this agent",
    ]);
  });

  test("goes on at the interval that the master wants", async () => {
    const one = master("m1", 50);
    open([one.link], 60_000);
    await until(() => one.beats >= 4);
  });

  test("tells many changes together", async () => {
    const one = master("m1");
    const sender = open([one.link]);
    await until(() => sender.notices.length === 1);
    const before = one.beats;
    for (let i = 0; i < 100; i++) sender.heartbeats.changed();
    sender.load = agentLoad(agent, [jobLoad("j", 4)]);
    sender.heartbeats.changed();
    await until(async () => (await one.states())[0] === "a alive 0");
    expect(one.beats - before).toBeLessThanOrEqual(4);
  });

  test("is known by a master that comes later, or comes again, and tells so once each", async () => {
    const address = await freeAddress();
    const port = Number(address.split(":")[1]);
    const sender = open([dial(address)]);
    await until(() => sender.notices.length === 1);
    const states: string[] = [];
    for (const id of ["m1", "m2"]) {
      const world = new MasterWorld(id, 50);
      const served = await serve(world.master.fetch, port);
      const known = `master ${id} at ${address} knows this agent`;
      await until(() => sender.notices.at(-1) === known);
      const { agents } = await world.call<ClusterView>("GET", MASTER_ROUTES.cluster());
      states.push(...agents.map(({ state }) => state));
      await served.stop();
      world.close();
      await until(() => sender.notices.at(-1) !== known);
    }
    expect(states).toEqual(["alive", "alive"]);
    const gone = `Cannot use the master at ${address}: nothing listens there`;
    expect(sender.notices).toEqual([
      gone,
      `master m1 at ${address} knows this agent`,
      gone,
      `master m2 at ${address} knows this agent`,
      gone,
    ]);
    expect(sender.refused).toEqual([]);
  });

  test("is not held up by a master that hangs, nor at its end", async () => {
    const hanging = await kept(listen(() => undefined));
    const one = master("m1", 50);
    const sender = open([dial(hanging.address), one.link]);
    await until(() => one.beats >= 3);
    await sender.heartbeats.close();
    expect(await one.states()).toEqual(["a left 4"]);
  });

  test("tells its owner when its name is another's", async () => {
    const one = master("m1");
    const holder = agentInfo("a", { incarnation: "other", host: "other", address: "other:7401" });
    await one.world.call("POST", MASTER_ROUTES.heartbeats(), heartbeat(holder, 0));
    const sender = open([one.link]);
    await until(() => sender.refused.length > 0);
    expect(sender.refused[0]?.code).toBe("name-taken");
    expect(sender.refused[0]?.message).toContain("agent a of host other (other:7401) has that name");
  });

  test("goes on with a master that fails, until it does not", async () => {
    const one = master("m1");
    let failures = 3;
    const fetch = async (path: string, init?: RequestInit) => {
      const broken = failure(new Error("a bug"), 500);
      return failures-- > 0 ? broken : await one.link.transport.fetch(path, init);
    };
    const sender = open([{ address: "m1:7400", transport: { fetch } }]);
    await until(() => sender.notices.length > 1);
    expect(sender.notices).toEqual([
      "Cannot tell the master at m1:7400 of this agent: Error: a bug",
      "master m1 at m1:7400 knows this agent",
    ]);
    expect(sender.refused).toEqual([]);
  });

  test("tells its owner when no master is one, and not as long as one may be", async () => {
    const other = await kept(serve(() => new Response("hello")));
    const dead = await freeAddress();
    const hopeful = open([dial(other.address), dial(dead)]);
    await until(() => hopeful.notices.length === 2);
    expect(hopeful.refused).toEqual([]);
    const hopeless = open([dial(other.address)]);
    await until(() => hopeless.refused.length > 0);
    expect(hopeless.refused[0]?.message).toBe(
      `Cannot use the master at ${other.address}: something else than luciole listens there (it answered with status 200)`,
    );
  });
});
