/** X4: names that are no ids, in the place of every id, in paths and bodies. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentWorld } from "../agent/agent_world.ts";
import { changeAt, placesOf } from "./odd_values.ts";
import { AGENT_SAMPLES } from "./samples.ts";

const ODD = [
  ...[
    "..",
    ".",
    "",
    "../x",
    "../../../../tmp/x",
    "/tmp/x",
    "a/b",
    "a\\b",
    "a\u0000b",
    "-x",
    "_x",
    " x",
    "x ",
    "x\n",
    "é",
  ],
  ...[
    "a.b",
    "a:b",
    "C:\\x",
    "x".repeat(101),
    "\ud800",
    "%2e%2e",
    "~",
    "$HOME",
    "a;b",
    "*",
    7,
    null,
    ["a1"],
    { a: 1 },
  ],
];
const SAMPLES = AGENT_SAMPLES.map(([method, path, body]) => ({ method, path, body }));
/** What stands for an id in the samples. */
const ID = /^[acegjl]\d$/;
let home: string;
let world: AgentWorld;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "luciole-test-"));
  world = await AgentWorld.open({ home });
  await world.startJob();
});

afterAll(async () => {
  expect(await world.close()).toEqual([]);
  expect(await readdir(home)).toEqual([]);
  await rm(home, { recursive: true });
});

describe("X4: an agent", () => {
  test.each(SAMPLES)("refuses odd names in $method $path", async ({ method, path, body }) => {
    const segments = path.split(/(?<=\/)/).filter((segment) => ID.test(segment.replace(/[/?].*/, "")));
    for (const name of ODD) {
      for (const segment of typeof name === "string" ? segments : []) {
        const odd = encodeURIComponent(String(name).toWellFormed());
        const { status } = await world.request(
          method,
          path.replace(segment, segment.replace(/^\w+/, odd)),
          body,
        );
        expect({ name, status: status >= 400 && status < 500 }).toEqual({ name, status: true });
      }
      for (const place of placesOf(body)) {
        const seen = place.reduce((at: unknown, key) => (at as Record<string | number, unknown>)[key], body);
        if (typeof seen !== "string" || !ID.test(seen)) continue;
        const { status } = await world.request(method, path, changeAt(body, place, "replace", name));
        expect({ name, place, status }).toEqual({ name, place, status: 400 });
      }
    }
  });
});
