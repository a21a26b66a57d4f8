/** The routes by which programs come, against whatever strangers send. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProgramCache } from "../../../../net/agent/programs/program_cache.ts";
import { addProgramRoutes } from "../../../../net/agent/programs/program_routes.ts";
import { createApp } from "../../../../net/app.ts";
import { hashBytes } from "../../../../net/program/hashed_file.ts";
import { guarded } from "../../../../net/security/authenticate.ts";
import { fuzzRoutes, type Sample } from "../../security/fuzz_routes.ts";

const bytes = new TextEncoder().encode("console.log(1);\n".repeat(5000));
const { sha256, sizeBytes, blocks } = hashBytes(bytes);
const bundle = { kind: "bundle", sha256, sizeBytes, version: "1.0.0" };
const executable = { kind: "executable", sha256, sizeBytes, platform: "linux-x64" };

const SAMPLES: readonly Sample[] = [
  ["POST", "/v1/programs", { program: bundle }],
  ["POST", "/v1/programs", { program: bundle, hashes: blocks }],
  ["POST", "/v1/programs", { program: { ...bundle, version: "2.0.0", executable }, hashes: blocks }],
  ["POST", "/v1/programs", { program: executable, hashes: blocks }],
  ["POST", `/v1/programs/${sha256}/blocks`, { blocks: [{ block: 0, bytes: bytes.subarray(0, 65_536) }] }],
  ["POST", `/v1/programs/${sha256}/blocks`, { blocks: [{ block: 1, bytes: bytes.subarray(65_536) }] }],
  ["POST", `/v1/programs/${sha256}/commit`, {}],
];

test("random requests for programs are answered, and leave nothing but the program", async () => {
  const directory = mkdtempSync(join(tmpdir(), "luciole-programs-"));
  try {
    const own = { command: ["/own"], version: "1.0.0", platform: "linux-x64" };
    const programs = await ProgramCache.create({ agent: "a1", directory, maxBytes: 2 ** 24, own });
    const app = createApp("agent");
    addProgramRoutes(app, programs);
    await fuzzRoutes({ app, fetch: guarded(app, {}), samples: SAMPLES, runs: 1500, round: 0 });
    await programs.close();
    const left = readdirSync(directory).filter((name) => name !== "hashes" && !name.startsWith(sha256));
    expect(left).toEqual([]);
    expect([0, sizeBytes, 2 * sizeBytes]).toContain(programs.sizeBytes);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 60_000);
