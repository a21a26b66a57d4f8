/** docs/protocol.md against the apps: every route is documented, and every documented route is there. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hono } from "hono";
import { fromWireError, type WireError } from "../../core/errors.ts";
import { createAgent } from "../../net/agent/agent.ts";
import { ProgramCache } from "../../net/agent/programs/program_cache.ts";
import { MASTER_ROUTES } from "../../net/cluster_protocol.ts";
import { clusterAccess } from "../../net/driver/cluster/cluster_access.ts";
import { createMaster } from "../../net/master/master.ts";
import { failure } from "../../net/replies.ts";
import { currentRuntime } from "../../net/runtime/current_runtime.ts";

const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
const master = createMaster({ id: "m1", version: "1.0.0" });
const runtime = await currentRuntime();
const own = { command: ["/own"], version: "1.0.0", platform: "linux-x64" };
const cache = { agent: "a1", directory: join(directory, "programs"), maxBytes: 1, own };
const programs = await ProgramCache.create(cache);
const drivers = {
  directory: join(directory, "drivers"),
  most: 1,
  masters: [],
  cluster: clusterAccess(runtime, [], {}),
};
const agent = await createAgent({ id: "a1", directory, slots: 1, runtime, programs, drivers });

afterAll(async () => {
  master.close();
  await agent.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Routes in the tables of sections whose titles begin so. */
function documented(title: string): readonly string[] {
  return text
    .split(/^## /m)
    .filter((section) => section.startsWith(title))
    .flatMap((section) => [...section.matchAll(/^\| `([A-Z]+ \/[^`]*)` \| \S/gm)])
    .map(([, route]) => String(route))
    .sort();
}

/** Middleware is for all methods. */
function routesOf(app: Hono): readonly string[] {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  return [...new Set(routes.map(({ method, path }) => `${method} ${path}`))].sort();
}

function wire(code: string): WireError {
  return { name: "LucioleError", code, message: "", retryable: false, fields: {} };
}

describe("docs/protocol.md", () => {
  test("has the routes of the master", () => {
    expect(documented("Master")).toEqual(routesOf(master.app));
    const paths = documented("Master").map((route) => route.split(" ")[1]);
    expect(new Set(paths)).toEqual(new Set(Object.values(MASTER_ROUTES).map((route) => route())));
  });

  test("has the routes of the agent, those of its workers apart: the network does not reach them", () => {
    const remote = routesOf(agent.remote);
    expect(documented("Agent: for drivers and other agents")).toEqual(remote);
    const own = routesOf(agent.app).filter((route) => !remote.includes(route));
    expect(documented("Agent: for its workers")).toEqual(own);
  });

  test("has the status of errors", () => {
    const rows = [...text.matchAll(/^\| (4\d\d|507) \| (.*) \|$/gm)];
    const codes = rows.flatMap(([, status, row]) =>
      [...String(row).matchAll(/(?<!field )`([a-z-]+)`/g)].map(
        ([, code]) => [String(code), Number(status)] as const,
      ),
    );
    const told = codes.filter(([, status]) => status !== 401 && status !== 426);
    expect(told.length).toBeGreaterThan(8);
    for (const [code, status] of told) expect(failure(fromWireError(wire(code))).status, code).toBe(status);
  });
});
