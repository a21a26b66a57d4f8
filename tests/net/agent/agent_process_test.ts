/** An agent as a process: what it tells its master, its directory, and how it ends. */
import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MasterClient } from "../../../net/driver/cluster/master_client.ts";
import { startMaster } from "../../../net/master/main.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { tcpTransport } from "../../../net/tcp_transport.ts";
import { masterConfig } from "../master/master_config.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "luciole-test-"));
  closing.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts one; resolves when it has told the text. */
async function startAgent(config: object, text: string) {
  const command = [process.execPath, join(import.meta.dir, "run_agent.ts"), JSON.stringify(config)];
  const child = Bun.spawn(command, { stderr: "pipe", timeout: 50_000, killSignal: "SIGKILL" });
  closing.push(() => child.kill("SIGKILL"));
  let told = "";
  const seen = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const piece of child.stderr) {
      told += new TextDecoder().decode(piece);
      if (told.includes(text)) seen.resolve();
    }
    seen.resolve();
  })();
  await seen.promise;
  const ended = async () => {
    const code = await child.exited;
    await reading;
    return { code, told };
  };
  return { child, told: () => told, ended };
}

test("runAgent() joins its master, refuses a second agent on its directory, and leaves when it is told to", async () => {
  const notices: string[] = [];
  const master = await startMaster(masterConfig({}), (text) => notices.push(text));
  closing.push(() => master.close());
  const config = { id: "a1", directory: join(directory(), "agent"), masters: [master.address] };
  const agent = await startAgent(config, "knows this agent");
  const transport = tcpTransport(await currentRuntime(), { address: master.address, name: "the master" });
  const client = new MasterClient({ masters: [{ address: master.address, transport }] });
  const [view] = (await client.cluster()).agents;
  expect(view).toMatchObject({
    state: "alive",
    agent: { id: "a1", slots: 1 },
    load: { freeSlots: 1, jobs: [] },
  });
  expect(view.load.freeDiskBytes).toBeGreaterThan(0);
  expect(view.agent.address).toMatch(/^127\.0\.0\.1:\d+$/);

  const second = await (await startAgent({ ...config, id: "a2" }, "Cannot use")).ended();
  expect(second.code).not.toBe(0);
  expect(second.told).toContain(
    `Cannot use the agent's directory ${config.directory}: process ${agent.child.pid}`,
  );

  agent.child.kill("SIGTERM");
  const { code, told } = await agent.ended();
  expect(code).toBe(0);
  expect(told).toMatch(/^agent a1 listens on 127\.0\.0\.1:\d+ with 1 slot\n/);
  expect(told).toEndWith("agent a1 ends: SIGTERM\n");
  expect((await client.cluster()).agents.map(({ state }) => state)).toEqual(["left"]);
  expect(readdirSync(config.directory)).toEqual(["programs"]);
}, 60_000);

test("runAgent() ends when its name is another's, and works without a master", async () => {
  const master = await startMaster(masterConfig({}), () => undefined);
  closing.push(() => master.close());
  const first = { id: "a1", directory: directory(), masters: [master.address] };
  await startAgent(first, "knows this agent");
  const other = await (await startAgent({ ...first, directory: directory() }, "name")).ended();
  expect(other.code).not.toBe(0);
  expect(other.told).toContain("Cannot take agent a1 of host");
  const alone = await startAgent(
    { id: "a3", directory: directory(), masters: ["127.0.0.1:1"] },
    "listens there",
  );
  expect(alone.told()).toContain("Cannot use the master at 127.0.0.1:1: nothing listens there");
  alone.child.kill("SIGTERM");
  expect((await alone.ended()).code).toBe(0);
  expect(existsSync(join(first.directory, "agent.lock"))).toBe(true);
}, 60_000);

test("runAgent() ends when somebody deletes its directory: nothing could be kept or started there", async () => {
  const master = await startMaster(masterConfig({}), () => undefined);
  closing.push(() => master.close());
  const place = join(directory(), "agent");
  const agent = await startAgent(
    { id: "a1", directory: place, masters: [master.address] },
    "knows this agent",
  );
  rmSync(place, { recursive: true });
  const { code, told } = await agent.ended();
  expect(code).not.toBe(0);
  expect(told).toContain(`Cannot go on in the agent's directory ${place}: somebody deleted it`);
  expect(existsSync(place)).toBe(false);
}, 60_000);
