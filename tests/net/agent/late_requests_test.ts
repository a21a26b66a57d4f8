/** What a driver still asks of a job that has ended a moment ago is refused and not logged; of others it is. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Agent, createAgent } from "../../../net/agent/agent.ts";
import { encode } from "../../../net/cbor.ts";
import { type JobOrder, PROTOCOL, PROTOCOL_HEADER, ROUTES } from "../../../net/protocol.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";

const home = mkdtempSync(join(tmpdir(), "luciole-test-"));
let agent: Agent | undefined;
afterEach(async () => {
  await agent?.close();
  rmSync(home, { recursive: true });
});

const order: JobOrder = {
  command: { command: ["worker"], environment: {}, workingDirectory: home },
  workers: 1,
  firstWorker: 0,
  leaseMs: 60_000,
};

async function ask(method: string, path: string, body?: unknown): Promise<number | undefined> {
  const headers = { [PROTOCOL_HEADER]: `${PROTOCOL}`, "content-type": "application/cbor" };
  const encoded = body === undefined ? {} : { body: encode(body) as Uint8Array<ArrayBuffer> };
  const request = new Request(`http://agent${path}`, { method, headers, ...encoded });
  return (await agent?.remote.fetch(request))?.status;
}

test("requests of a job that was cancelled are no failures to log", async () => {
  const logged: string[] = [];
  agent = await createAgent({
    id: "a1",
    directory: join(home, "jobs"),
    slots: 1,
    runtime: await currentRuntime(),
    startWorker: ({ onExit }) => ({
      terminate: () => queueMicrotask(() => onExit("ended")),
      kill: () => undefined,
    }),
    onFailure: (line) => logged.push(line),
  });
  const release = { attempts: ["e0-0-0-1"], executions: ["e0"] };
  await ask("PUT", ROUTES.job("j1"), order);
  expect(logged).toEqual([]);
  expect(await ask("DELETE", `${ROUTES.job("j1")}?by=somebody`)).toBe(204);
  expect(await ask("POST", ROUTES.release("j1"), release)).toBe(404);
  expect(logged).toEqual([]);
  expect(await ask("POST", ROUTES.release("j2"), release)).toBe(404);
  expect(logged.length).toBe(1);
});
