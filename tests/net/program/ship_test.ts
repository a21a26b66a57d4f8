/** Programs shipped to a real cache over lines that lose requests and answers and let them overtake each other. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { LucioleError } from "../../../core/errors.ts";
import { BLOCK_BYTES, type ExecutableRef } from "../../../core/program_blocks/program_ref.ts";
import { ProgramCache } from "../../../net/agent/programs/program_cache.ts";
import { addProgramRoutes } from "../../../net/agent/programs/program_routes.ts";
import { createApp } from "../../../net/app.ts";
import { hashBytes } from "../../../net/program/hashed_file.ts";
import type { LocalProgram, SendableProgram } from "../../../net/program/local_program.ts";
import { PLATFORM } from "../../../net/program/own_program.ts";
import { shipProgram } from "../../../net/program/ship.ts";
import type { Transport } from "../../../net/protocol.ts";
import { content } from "./content.ts";

let directory = "";
const opened: ProgramCache[] = [];

async function openAgent(version = "1.0.0", platform = PLATFORM): Promise<Transport> {
  directory ||= mkdtempSync(join(tmpdir(), "luciole-ship-"));
  const own = { command: ["/own"], version, platform };
  const cache = await ProgramCache.create({
    agent: "a1",
    directory: join(directory, String(opened.length)),
    maxBytes: 2 ** 30,
    own,
  });
  opened.push(cache);
  const app = createApp("agent");
  addProgramRoutes(app, cache);
  return { fetch: async (path, init) => await app.fetch(new Request(`http://agent${path}`, init)) };
}

afterEach(async () => {
  for (const cache of opened.splice(0)) await cache.close();
  if (directory !== "") rmSync(directory, { recursive: true, force: true });
  directory = "";
});

function executable(bytes: Uint8Array, platform = PLATFORM): SendableProgram<ExecutableRef> {
  const { sha256, sizeBytes, blocks } = hashBytes(bytes);
  const read = async (block: number) => bytes.slice(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
  return {
    ref: { kind: "executable", sha256, sizeBytes, platform },
    hashes: blocks,
    open: async () => ({ read, close: async () => undefined }),
  };
}

function bundle(bytes: Uint8Array, version: string): LocalProgram {
  const { ref, ...rest } = executable(bytes);
  const { sha256, sizeBytes } = ref;
  return { program: { ...rest, ref: { kind: "bundle", sha256, sizeBytes, version } } };
}

type Fate = "arrives" | "is lost" | "answer is lost";

/** Requests wait for each other at random, and some of them, or their answers, never arrive. */
function badLine(to: Transport, fates: Iterator<Fate>, turns: Iterator<number>): Transport {
  return {
    fetch: async (path, init) => {
      const fate = fates.next().value;
      for (let turn = Number(turns.next().value); turn > 0; turn--) await new Promise(setImmediate);
      const lost = () => new LucioleError("unreachable", "Cannot reach agent a1", { retryable: true });
      // The first question is asked by whoever knows that the agent is there.
      if (path.endsWith("/programs")) return await to.fetch(path, init);
      if (fate === "is lost") throw lost();
      const response = await to.fetch(path, init);
      if (fate === "answer is lost") throw lost();
      return response;
    },
  };
}

describe("shipProgram()", () => {
  test("brings any program over a bad line, whole", async () => {
    const to = await openAgent();
    const fate = fc.oneof(
      { weight: 12, arbitrary: fc.constant<Fate>("arrives") },
      { weight: 1, arbitrary: fc.constant<Fate>("is lost") },
      { weight: 1, arbitrary: fc.constant<Fate>("answer is lost") },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 * BLOCK_BYTES }),
        fc.nat(),
        fc.infiniteStream(fate),
        fc.infiniteStream(fc.nat(4)),
        async (size, seed, fates, turns) => {
          const program = executable(content(size, seed));
          const ref = await shipProgram(badLine(to, fates, turns), { program }, { agent: "a1" });
          expect(ref).toEqual(program.ref);
          expect(await opened[0]?.announce(ref)).toEqual({ isPresent: true, missing: [] });
        },
      ),
      { numRuns: 15 },
    );
  });

  test("asks once for a program that is there", async () => {
    const to = await openAgent();
    const program = executable(content(100_000, 1));
    const paths: string[] = [];
    const counted: Transport = {
      fetch: (path, init) => {
        paths.push(path.replace(program.ref.sha256, "HASH"));
        return to.fetch(path, init);
      },
    };
    await shipProgram(counted, { program }, { agent: "a1" });
    const rest = ["/v1/programs/HASH/blocks", "/v1/programs/HASH/commit"];
    expect(paths).toEqual(["/v1/programs", "/v1/programs", ...rest]);
    paths.length = 0;
    await shipProgram(counted, { program }, { agent: "a1" });
    expect(paths).toEqual(["/v1/programs"]);
  });

  test("lets several drivers send the same program at once", async () => {
    const to = await openAgent();
    const program = executable(content(40 * BLOCK_BYTES + 5, 2));
    const all = await Promise.all([1, 2, 3, 4].map(() => shipProgram(to, { program }, { agent: "a1" })));
    expect(all).toEqual(Array(4).fill(program.ref));
    expect(opened[0]?.sizeBytes).toBe(program.ref.sizeBytes);
  });

  test("goes on when the agent has forgotten what it was sent", async () => {
    const to = await openAgent();
    const program = executable(content(70 * BLOCK_BYTES, 3));
    let posts = 0;
    const forgetful: Transport = {
      fetch: async (path, init) => {
        if (++posts === 4) await opened[0]?.close();
        return await to.fetch(path, init);
      },
    };
    await shipProgram(forgetful, { program }, { agent: "a1" });
    expect(await opened[0]?.announce(program.ref)).toMatchObject({ isPresent: true });
  });

  test("ends at once when it is aborted", async () => {
    const to = await openAgent();
    const program = executable(content(5 * BLOCK_BYTES, 10));
    const leaving = new AbortController();
    let posts = 0;
    const cut: Transport = {
      fetch: async (path, init) => {
        if (path.endsWith("/programs")) return await to.fetch(path, init);
        posts++;
        leaving.abort();
        throw new Error("the connection is cut");
      },
    };
    const failed = shipProgram(cut, { program }, { agent: "a1", signal: leaving.signal });
    await expect(failed).rejects.toThrow("the connection is cut");
    expect(posts).toBe(1);
  });

  test("fails with the agent's reason when the program changed while it was sent", async () => {
    const to = await openAgent();
    const bytes = content(3 * BLOCK_BYTES, 4);
    const program = executable(bytes);
    bytes[70_000] ^= 1;
    const failed = shipProgram(to, { program }, { agent: "a1" });
    await expect(failed).rejects.toThrow(
      "Cannot send the program to agent a1: it was changed while it was sent",
    );
  });

  test("brings its executable to an agent of another version", async () => {
    const to = await openAgent("2.0.0");
    const script = bundle(content(5000, 5), "1.0.0");
    const own = executable(content(200_000, 6));
    const ref = await shipProgram(to, { ...script, executable: async () => own }, { agent: "a1" });
    expect(ref).toEqual({ ...script.program.ref, executable: own.ref } as typeof ref);
    expect(await opened[0]?.announce(ref)).toMatchObject({ isPresent: true });
    const same = bundle(content(5000, 5), "2.0.0");
    expect(await shipProgram(to, same, { agent: "a1" })).toEqual(same.program.ref);
  });

  test("says in one line when versions differ and the executable fits neither", async () => {
    const to = await openAgent("2.0.0", "plan9-mips");
    const script = bundle(content(5000, 7), "1.0.0");
    const own = executable(content(10, 8));
    const failed = shipProgram(to, { ...script, executable: async () => own }, { agent: "a1" });
    await expect(failed).rejects.toMatchObject({ code: "program-version" });
    await expect(failed).rejects.toThrow(
      /^Cannot run the program on agent a1: it is luciole 2\.0\.0 on plan9-mips, this driver is [^\n]*$/,
    );
  });

  test("says in one line when an executable is made for another platform", async () => {
    const to = await openAgent();
    const program = executable(content(10, 9), "plan9-mips");
    await expect(shipProgram(to, { program }, { agent: "a1" })).rejects.toThrow(
      `Cannot run the program on agent a1: it is made for plan9-mips, and this machine is ${PLATFORM}`,
    );
  });
});
