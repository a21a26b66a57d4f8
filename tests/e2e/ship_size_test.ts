/** B3: how much of a compiled program an agent of the same engine has to be sent. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BLOCK_BYTES } from "../../core/program_blocks/program_ref.ts";
import { ProgramCache } from "../../net/agent/programs/program_cache.ts";
import { addProgramRoutes } from "../../net/agent/programs/program_routes.ts";
import { createApp } from "../../net/app.ts";
import { hashBytes } from "../../net/program/hashed_file.ts";
import type { LocalProgram } from "../../net/program/local_program.ts";
import { PLATFORM } from "../../net/program/own_program.ts";
import { shipProgram } from "../../net/program/ship.ts";
import type { Transport } from "../../net/protocol.ts";
import { Folder, LUCIOLE } from "./executable.ts";

const PROGRAM = `
import { flow, run } from "luciole";
const doubled = flow("doubled", (f) => f.values([1, 2]).map((n) => n * 2));
await run(async (job) => console.log(await (await job.execute(doubled)).collect()));
`;

test("B3: a program compiled with the same engine sends under 1 MiB, and nothing the second time", async () => {
  using folder = new Folder({ "own.ts": PROGRAM });
  expect((await folder.run([LUCIOLE, "compile", "own.ts"])).code).toBe(0);
  const bytes = readFileSync(join(folder.path, "own"));
  const { sha256, sizeBytes, blocks } = hashBytes(bytes);
  const read = async (block: number) => bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
  const program: LocalProgram["program"] = {
    ref: { kind: "executable", sha256, sizeBytes, platform: PLATFORM },
    hashes: blocks,
    open: async () => ({ read, close: async () => undefined }),
  };

  const own = { command: [LUCIOLE], version: "1.0.0", platform: PLATFORM, executable: LUCIOLE };
  const directory = join(folder.scratch, "agent");
  const cache = await ProgramCache.create({ agent: "a1", directory, maxBytes: 2 ** 30, own });
  try {
    const app = createApp("agent");
    addProgramRoutes(app, cache);
    let sent = 0;
    const transport: Transport = {
      fetch: async (path, init = {}) => {
        sent += (init.body as Uint8Array).byteLength;
        return await app.fetch(new Request(`http://agent${path}`, init));
      },
    };
    await shipProgram(transport, { program }, { agent: "a1" });
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(2 ** 20);
    console.log(`measured: ${sizeBytes} bytes of a compiled program, ${sent} sent`);

    sent = 0;
    await shipProgram(transport, { program }, { agent: "a1" });
    expect(sent).toBeLessThan(1000);
  } finally {
    await cache.close();
  }
}, 120_000);
