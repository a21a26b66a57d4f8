/** How an agent finds another one that guards its driver, and when it takes itself for cut off. */
import { afterEach, expect, test } from "bun:test";
import type { AgentView } from "../../../../core/cluster/agent_info.ts";
import { LucioleError } from "../../../../core/errors.ts";
import { Guardian } from "../../../../net/agent/detached/guardian.ts";
import { decode, encode } from "../../../../net/cbor.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../../net/protocol.ts";
import { agentView } from "../../../cmd/fake_cluster.ts";

const PROGRAM = { kind: "bundle", sha256: "a".repeat(64), sizeBytes: 10 } as const;
const ORDER = {
  ...{ program: PROGRAM, script: "wc.ts", args: [], flags: { checkpoint: "/kept" }, environment: {} },
  ...{ workingDirectory: "/", name: "wc", driver: "ann@laptop", run: 1 },
};
const LOAD = { freeSlots: 1, freeMemoryBytes: 1, freeDiskBytes: 1, jobs: [] };
const HEADERS = { [PROTOCOL_HEADER]: String(PROTOCOL) };

let guardian: Guardian | undefined;
afterEach(() => guardian?.end());

/** Agents with so much room; a request to one of `broken` fails. */
function open(room: Readonly<Record<string, number>>, broken: readonly string[] = []) {
  const view = {
    agents: Object.entries(room).map(([id, freeDrivers]) =>
      agentView(id, { load: { ...LOAD, freeDrivers } }),
    ),
    asked: [] as string[],
    notices: [] as string[],
    cutOff: [] as string[],
    isGone: false,
  };
  const fetch = async (agent: string, path: string, init?: RequestInit): Promise<Response> => {
    if (broken.includes(agent)) throw new LucioleError("unreachable", "nothing listens there");
    if (init?.method === "PUT") {
      const { guards } = decode(new Uint8Array(init.body as Uint8Array)) as { guards: object };
      view.asked.push(`${agent} ${path} ${JSON.stringify(guards)}`);
      return new Response(null, { status: 204, headers: HEADERS });
    }
    return new Response(encode({ isPresent: true, missing: [] }) as never, { headers: HEADERS });
  };
  const cluster = async (): Promise<{ agents: readonly AgentView[] }> => {
    if (view.isGone) throw new LucioleError("unreachable", "no master answers");
    return view;
  };
  const program = {
    ref: PROGRAM,
    hashes: new Uint8Array(0),
    open: () => Promise.reject(new Error("not sent")),
  };
  guardian = new Guardian({
    id: "a1",
    job: "j1",
    order: ORDER,
    cluster: {
      master: { cluster } as never,
      connect: (agent) => ({ fetch: (path, init) => fetch(agent, path, init) }),
      leaseRequest: () => ({ url: "", headers: {}, body: new Uint8Array(0) }),
    },
    programs: { sendable: async () => ({ program, release: () => undefined }) } as never,
    onNotice: (text) => void view.notices.push(text),
    onCutOff: (why) => void view.cutOff.push(why),
  });
  return { guardian, view };
}

test("asks the agent with the most room, and the next one when that is of no use", async () => {
  const { guardian, view } = open({ a1: 9, a2: 5, a3: 3, a4: 0 }, ["a2"]);
  await guardian.find();
  expect(guardian.agent).toBe("a3");
  expect(view.asked).toEqual(['a3 /v1/drivers/j1 {"agent":"a1","address":"a1:7401"}']);
  expect(view.notices).toEqual(["job j1 is guarded by agent a3"]);
});

test("says once when there is none", async () => {
  const { guardian, view } = open({ a1: 9, a2: 0 });
  await guardian.find();
  await guardian.find();
  expect(guardian.agent).toBeUndefined();
  expect(view.notices).toEqual(["warning: job j1 is guarded by no other agent, and ends with this one"]);
});

test("takes itself for cut off when it was guarded and reaches no master, and not before", async () => {
  const { guardian, view } = open({ a1: 9, a2: 5 });
  view.isGone = true;
  await guardian.find();
  expect(view.cutOff).toEqual([]);
  view.isGone = false;
  await guardian.find();
  view.isGone = true;
  await guardian.find();
  expect(view.cutOff).toEqual(["its driver's agent a1 reached neither the driver's guard nor a master"]);
});
