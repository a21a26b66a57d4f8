/** A guard that is to start a driver while something else of the same job is being started. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DetachedDrivers } from "../../../../net/agent/detached/detached_drivers.ts";
import { encode } from "../../../../net/cbor.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "../../../../net/protocol.ts";
import { currentRuntime } from "../../../../net/runtime/current_runtime.ts";
import { until } from "../../../oracle/until.ts";
import { driverOrder } from "../../security/samples.ts";

const {
  flags: { checkpoint: _, ...flags },
  ...order
} = driverOrder();
const GUARDED = {
  ...order,
  flags,
  workingDirectory: "/",
  program: { kind: "bundle", sha256: "a".repeat(64), sizeBytes: 10 },
  guards: { agent: "a2", address: "a2:1" },
} as const;
const NOT_FOUND = { name: "LucioleError", code: "not-found", message: "no", retryable: false, fields: {} };

let directory: string;
let drivers: DetachedDrivers;
/** Of programs that are being opened, after the first one. */
let opening: PromiseWithResolvers<void>[];
let opened: number;
let released: number;
let looks: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
  [opening, opened, released, looks] = [[], 0, 0, 0];
  const programs = {
    open: async () => {
      if (opened++ > 0) {
        const gate = Promise.withResolvers<void>();
        opening.push(gate);
        await gate.promise;
      }
      const command = ["/bin/sh", "-c", "sleep 60"];
      return { command, environment: {}, release: () => void released++ };
    },
  };
  const fetch = async (): Promise<Response> => {
    looks++;
    const headers = { [PROTOCOL_HEADER]: String(PROTOCOL) };
    return new Response(encode(NOT_FOUND).slice(), { status: 404, headers });
  };
  drivers = new DetachedDrivers({
    id: "a1",
    directory: join(directory, "drivers"),
    most: 2,
    programs: programs as never,
    runtime: await currentRuntime(),
    socketPath: join(directory, "none.sock"),
    environment: {},
    masters: [],
    cluster: { master: { cluster: async () => ({ agents: [] }) }, connect: () => ({ fetch }) } as never,
    onChange: () => undefined,
    onNotice: () => undefined,
  });
  await drivers.start("j1", GUARDED);
});
afterEach(async () => {
  await drivers.close();
  rmSync(directory, { recursive: true, force: true });
});

const states = (): readonly string[] => drivers.loads.map(({ state, run }) => `${state} ${run}`);

test("a guard leaves its driver to another agent that has asked to guard it meanwhile, and lets its program go", async () => {
  const start = drivers.start("j1", GUARDED);
  await until("the guard has looked", () => looks > 0);
  expect(released).toBe(0);
  opening[0].resolve();
  await start;
  await until("it lets its program go", () => released === 1);
  expect(states()).toEqual(["guarded 1"]);
}, 60_000);

test("a guard starts its driver after another start that fails", async () => {
  const start = drivers.start("j1", GUARDED);
  await until("the guard has looked", () => looks > 0);
  opening[0].reject(new Error("no room"));
  await expect(start).rejects.toThrow("no room");
  await until("it runs", () => states().includes("starting 2"));
  await drivers.cancel("j1", "me");
  expect({ states: states(), released }).toEqual({ states: ["cancelled 2"], released: 1 });
}, 60_000);

test("a driver that is cancelled while its guard waits for its turn does not stay", async () => {
  const start = drivers.start("j1", GUARDED);
  await until("the guard has looked", () => looks > 0);
  const cancelled = drivers.cancel("j1", "me");
  opening[0].reject(new Error("no room"));
  await expect(start).rejects.toThrow("no room");
  await cancelled;
  expect(states().filter((state) => !state.startsWith("cancelled"))).toEqual([]);
  expect(released).toBe(1);
}, 60_000);
