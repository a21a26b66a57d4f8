/** What an agent knows of the others of a job, when it is told of them once more, late. */
import { expect, test } from "bun:test";
import { ROUTES } from "../../../net/protocol.ts";
import { AgentWorld, JOB } from "./agent_world.ts";

test("an agent that is there again stays known, though it is told as gone once more", async () => {
  const world = await AgentWorld.open();
  try {
    const command = { command: ["none"], environment: {}, workingDirectory: "/" };
    const peers = { a2: "127.0.0.1:9", a3: "127.0.0.1:10" };
    await world.call("PUT", ROUTES.job(JOB), { workers: 1, firstWorker: 0, command, peers });
    const known = async (): Promise<unknown> => {
      const { peers } = (await world.call("GET", ROUTES.peers(0, JOB))) as { peers: object };
      return Object.keys(peers).toSorted();
    };
    await world.call("DELETE", ROUTES.peer(JOB, "a2", 1));
    expect(await known()).toEqual(["a3"]);
    await world.call("PUT", ROUTES.jobPeers(JOB), { peers, version: 2 });
    await world.call("DELETE", ROUTES.peer(JOB, "a2", 1));
    expect(await known()).toEqual(["a2", "a3"]);
    await world.call("DELETE", ROUTES.peer(JOB, "a3", 3));
    await world.call("PUT", ROUTES.jobPeers(JOB), { peers, version: 2 });
    expect(await known()).toEqual(["a2"]);
  } finally {
    await world.close();
  }
});
