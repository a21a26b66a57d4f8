/** What a driver sends: here a script under Bun, so a bundle with the engine inside. */
import { afterAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashBytes } from "../../../net/program/hashed_file.ts";
import { host } from "../../../net/program/host.ts";
import { localProgram } from "../../../net/program/local_program.ts";

const directory = await mkdtemp(join(tmpdir(), "luciole-local-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("localProgram() bundles a script with the engine when no executable runs it", async () => {
  const script = join(directory, "job.ts");
  writeFileSync(
    script,
    'import { flow } from "luciole";\nexport const count = flow("a", (f) => f.range(1).count());\n',
  );
  host.program = script;
  try {
    const { program, executable } = await localProgram();
    expect(executable).toBeUndefined();
    const reader = await program.open();
    const blocks: Uint8Array[] = [];
    for (let block = 0; block < program.hashes.length / 32; block++) blocks.push(await reader.read(block));
    await reader.close();
    const bytes = Buffer.concat(blocks);
    const { sha256, sizeBytes } = hashBytes(bytes);
    expect(program.ref).toEqual({ kind: "bundle", sha256, sizeBytes });
    expect(bytes.toString()).not.toMatch(/from\s*"luciole"/);
    expect(await localProgram()).toBe(await localProgram());
  } finally {
    delete host.program;
  }
});
