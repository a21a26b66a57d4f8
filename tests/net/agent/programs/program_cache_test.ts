/** The agent's program cache: whole or not at all, within its bound, whoever sends. */
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { BLOCK_BYTES, type ExecutableRef } from "../../../../core/program_blocks/program_ref.ts";
import { ProgramCache } from "../../../../net/agent/programs/program_cache.ts";
import { hashBytes } from "../../../../net/program/hashed_file.ts";
import { content } from "../../program/content.ts";

const PLATFORM = `${process.platform}-${process.arch}`;
const directories: string[] = [];

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "luciole-programs-"));
  directories.push(directory);
  return directory;
}

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

interface Options {
  readonly directory?: string;
  readonly maxBytes?: number;
  readonly executable?: string;
  readonly idleMs?: number;
}

async function open({
  directory,
  maxBytes = 2 ** 30,
  executable,
  idleMs,
}: Options = {}): Promise<ProgramCache> {
  return await ProgramCache.create({
    agent: "a1",
    directory: directory ?? (await scratch()),
    maxBytes,
    own: {
      command: ["/own"],
      version: "1.0.0",
      platform: PLATFORM,
      ...(executable === undefined ? {} : { executable }),
    },
    ...(idleMs === undefined ? {} : { idleMs }),
  });
}

function refOf(bytes: Uint8Array): ExecutableRef {
  const { sha256, sizeBytes } = hashBytes(bytes);
  return { kind: "executable", sha256, sizeBytes, platform: PLATFORM };
}

function blockOf(bytes: Uint8Array, block: number) {
  return { block, bytes: bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES) };
}

/** @returns How many blocks were sent. */
async function send(cache: ProgramCache, bytes: Uint8Array): Promise<number> {
  const ref = refOf(bytes);
  const { isPresent, missing } = await cache.announce(ref, hashBytes(bytes).blocks);
  if (isPresent) return 0;
  for (const block of missing) await cache.put(ref.sha256, [blockOf(bytes, block)]);
  expect(await cache.commit(ref.sha256)).toEqual({ isPresent: true, missing: [] });
  return missing.length;
}

/** This test's own executable: it can be started here. */
const REAL = readFileSync(process.execPath).subarray(0, 4 * BLOCK_BYTES);

describe("ProgramCache", () => {
  test("has a program when all of its blocks have come, in any order, some of them twice", async () => {
    const cache = await open();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(5 * BLOCK_BYTES),
        fc.nat(),
        fc.infiniteStream(fc.nat()),
        async (size, seed, order) => {
          const bytes = content(size, seed);
          const ref = refOf(bytes);
          let { isPresent, missing } = await cache.announce(ref, hashBytes(bytes).blocks);
          while (!isPresent && missing.length > 0) {
            const block = missing[Number(order.next().value) % missing.length] ?? 0;
            await Promise.all([1, 2].map(() => cache.put(ref.sha256, [blockOf(bytes, block)])));
            ({ isPresent, missing } = await cache.commit(ref.sha256));
          }
          if (!isPresent) ({ isPresent } = await cache.commit(ref.sha256));
          expect(isPresent).toBe(true);
          expect(await cache.announce(ref)).toEqual({ isPresent: true, missing: [] });
        },
      ),
      { numRuns: 40 },
    );
  });

  test("keeps executables that nobody can write to, and no draft", async () => {
    const directory = await scratch();
    const cache = await open({ directory });
    await send(cache, REAL);
    const opened = await cache.open(refOf(REAL));
    const [path = ""] = opened.command;
    expect(readFileSync(path).equals(REAL)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o500);
    expect(readdirSync(directory).filter((name) => name.startsWith("draft"))).toEqual([]);
    opened.release();
  });

  test("refuses a block that is not what was announced, and takes the right one then", async () => {
    const cache = await open();
    const bytes = content(2 * BLOCK_BYTES, 1);
    const { sha256 } = refOf(bytes);
    await cache.announce(refOf(bytes), hashBytes(bytes).blocks);
    const wrong = bytes.slice(0, BLOCK_BYTES);
    wrong[77] ^= 1;
    await expect(cache.put(sha256, [{ block: 0, bytes: wrong }])).rejects.toThrow("not what was announced");
    await expect(cache.put(sha256, [{ block: 0, bytes: bytes.subarray(1) }])).rejects.toThrow(
      "bytes instead of",
    );
    await expect(cache.put(sha256, [{ block: 2, bytes: wrong }])).rejects.toThrow("the program has 2");
    expect(await cache.commit(sha256)).toEqual({ isPresent: false, missing: [0, 1] });
    await cache.put(sha256, [blockOf(bytes, 0), blockOf(bytes, 1)]);
    expect(await cache.commit(sha256)).toMatchObject({ isPresent: true });
  });

  test("refuses blocks that make up something else", async () => {
    const directory = await scratch();
    const cache = await open({ directory });
    const bytes = content(3 * BLOCK_BYTES, 2);
    const ref = { ...refOf(bytes), sha256: "a".repeat(64) };
    await cache.announce(ref, hashBytes(bytes).blocks);
    await cache.put(
      ref.sha256,
      [0, 1, 2].map((block) => blockOf(bytes, block)),
    );
    await expect(cache.commit(ref.sha256)).rejects.toThrow(
      /its blocks make up [0-9a-f]{12}, not aaaaaaaaaaaa/,
    );
    expect(readdirSync(directory)).toEqual([]);
    await expect(cache.open(ref)).rejects.toThrow("the agent does not have it");
  });

  test("copies the blocks that its own executable and other programs have", async () => {
    const executable = join(await scratch(), "own");
    const own = content(6 * BLOCK_BYTES, 3);
    writeFileSync(executable, own);
    const cache = await open({ executable });
    const changed = own.slice();
    changed[3 * BLOCK_BYTES + 5] ^= 1;
    expect(await send(cache, changed)).toBe(1);
    const more = new Uint8Array(own.length + changed.length + 100);
    more.set(changed.subarray(3 * BLOCK_BYTES, 4 * BLOCK_BYTES));
    more.set(own, BLOCK_BYTES);
    expect(await send(cache, more)).toBe(6);
  });

  test("starts its own executable where that is the program", async () => {
    const executable = join(await scratch(), "own");
    writeFileSync(executable, content(100_000, 4));
    const cache = await open({ executable });
    const ref = refOf(content(100_000, 4));
    expect(await cache.announce(ref)).toEqual({ isPresent: true, missing: [] });
    expect((await cache.open(ref)).command).toEqual(["/own"]);
    expect(cache.sizeBytes).toBe(0);
  });

  test("does not start an executable that has taken the place of its own", async () => {
    let isReplaced = false;
    const own = {
      command: ["/own"],
      version: "1.0.0",
      platform: PLATFORM,
      isReplaced: async () => isReplaced,
    };
    const cache = await ProgramCache.create({
      agent: "a1",
      directory: await scratch(),
      maxBytes: 2 ** 20,
      own,
    });
    const code = content(10, 12);
    const { sha256, sizeBytes, blocks } = hashBytes(code);
    const bundle = { kind: "bundle", sha256, sizeBytes } as const;
    await cache.announce(bundle, blocks);
    await cache.put(sha256, [blockOf(code, 0)]);
    await cache.commit(sha256);
    (await cache.open(bundle)).release();
    isReplaced = true;
    await expect(cache.open(bundle)).rejects.toThrow(
      "Cannot start the program on agent a1: its executable /own was replaced; start the agent again",
    );
  });

  test("keeps no room for a program whose file cannot be made, and says where that was", async () => {
    const directory = await scratch();
    const cache = await open({ directory });
    await rm(directory, { recursive: true });
    // Nothing can be made below it.
    writeFileSync(directory, "");
    const bytes = content(3 * BLOCK_BYTES, 1);
    const { blocks } = hashBytes(bytes);
    await expect(cache.announce(refOf(bytes), blocks)).rejects.toThrow(
      /^Cannot keep the program on agent a1: ENOTDIR: /,
    );
    expect(cache.sizeBytes).toBe(0);
  });

  test("gives up what was used longest ago, never what is in use", async () => {
    const cache = await open({ maxBytes: 4 * REAL.length });
    const programs = [1, 2, 3, 4].map((seed) => Buffer.concat([REAL.subarray(0, -8), content(8, seed)]));
    const [first, second, third, fourth] = programs;
    for (const program of [first, second, third]) await send(cache, program);
    const used = await cache.open(refOf(first));
    (await cache.open(refOf(second))).release();
    const isThere = async (bytes: Uint8Array) => (await cache.announce(refOf(bytes))).isPresent;
    await send(cache, Buffer.concat([fourth, new Uint8Array(10)]));
    expect(await Promise.all(programs.slice(0, 3).map(isThere))).toEqual([true, true, false]);
    const big = content(4 * REAL.length, 9);
    await expect(send(cache, big)).rejects.toMatchObject({ code: "disk-full" });
    expect(await isThere(second)).toBe(true);
    used.release();
    await send(cache, big);
    expect(await Promise.all(programs.map(isThere))).toEqual([false, false, false, false]);
    expect(cache.sizeBytes).toBe(big.length);
  });

  test("takes one program from several drivers at once, also when one of them goes", async () => {
    const cache = await open();
    const bytes = content(20 * BLOCK_BYTES, 5);
    const ref = refOf(bytes);
    const { blocks } = hashBytes(bytes);
    await cache.announce(ref, blocks);
    for (let block = 0; block < 7; block++) await cache.put(ref.sha256, [blockOf(bytes, block)]);
    const others = await Promise.all(
      [1, 2, 3].map(() => send(cache, bytes).catch((error: Error) => error.message)),
    );
    // The last blocks of the slower ones come when the program is there already: they ask again then.
    for (const sent of others) expect([13, expect.stringContaining("not on its way")]).toContainEqual(sent);
    expect(others).toContain(13);
    expect(await cache.announce(ref)).toEqual({ isPresent: true, missing: [] });
    expect(cache.sizeBytes).toBe(bytes.length);
  });

  test("gives up uploads that nobody goes on with", async () => {
    const directory = await scratch();
    const cache = await open({ directory, idleMs: 1 });
    const bytes = content(2 * BLOCK_BYTES, 6);
    await cache.announce(refOf(bytes), hashBytes(bytes).blocks);
    while (cache.sizeBytes > 0) await new Promise(setImmediate);
    await expect(cache.put(refOf(bytes).sha256, [])).rejects.toMatchObject({ code: "program-missing" });
    await cache.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is taken over by the next process, without drafts and without what has changed", async () => {
    const directory = await scratch();
    const before = await open({ directory });
    const other = Buffer.concat([REAL.subarray(0, -8), content(8, 7)]);
    await send(before, REAL);
    await send(before, other);
    await before.announce(refOf(content(9, 8)), hashBytes(content(9, 8)).blocks);
    const path = join(directory, `${refOf(other).sha256}.exe`);
    chmodSync(path, 0o700);
    writeFileSync(path, REAL.subarray(0, -8), { flag: "r+" });
    writeFileSync(path, content(8, 99), { flag: "a" });
    const cache = await open({ directory });
    expect(readdirSync(directory).filter((name) => name.startsWith("draft"))).toEqual([]);
    (await cache.open(refOf(REAL))).release();
    await expect(cache.open(refOf(other))).rejects.toMatchObject({ code: "program-missing" });
    expect(existsSync(path)).toBe(false);
    expect(await send(cache, other)).toBeGreaterThan(0);
    (await cache.open(refOf(other))).release();
  });

  test("runs a bundle by its own executable, or by one that came with it", async () => {
    const cache = await open();
    const code = content(1000, 10);
    const { sha256, sizeBytes, blocks } = hashBytes(code);
    const bundle = { kind: "bundle", sha256, sizeBytes } as const;
    const executable = refOf(REAL);
    await expect(cache.announce({ ...bundle, version: "2.0.0" })).rejects.toMatchObject({
      code: "program-version",
      message: "Cannot run the program on agent a1: it needs luciole 2.0.0, and this is 1.0.0",
      fields: { agent: "a1", version: "1.0.0", platform: PLATFORM },
    });
    await cache.announce(bundle, blocks);
    await cache.put(sha256, [blockOf(code, 0)]);
    await cache.commit(sha256);
    for (const version of [undefined, "1.0.0"]) {
      const opened = await cache.open(version === undefined ? bundle : { ...bundle, version });
      expect(opened.command).toEqual(["/own"]);
      expect(readFileSync(opened.environment.LUCIOLE_PROGRAM ?? "").equals(code)).toBe(true);
      opened.release();
    }
    const brought = { ...bundle, version: "2.0.0", executable };
    expect((await cache.announce(brought)).isPresent).toBe(false);
    await expect(cache.open(brought)).rejects.toMatchObject({ code: "program-missing" });
    await send(cache, REAL);
    expect((await cache.announce(brought)).isPresent).toBe(true);
    const opened = await cache.open(brought);
    expect(opened.command[0]).toEndWith(`${executable.sha256}.exe`);
    opened.release();
  });

  test("refuses executables of another platform", async () => {
    const cache = await open();
    await expect(cache.announce({ ...refOf(REAL), platform: "plan9-mips" })).rejects.toMatchObject({
      code: "program-platform",
      message: `Cannot run the program on agent a1: it is made for plan9-mips, and this machine is ${PLATFORM}`,
    });
  });
});

// Only files of Linux are looked into.
describe.if(process.platform === "linux")("a program that cannot start", () => {
  const changed = (change: (copy: Buffer) => void): Buffer => {
    const copy = Buffer.from(REAL);
    change(copy);
    return copy;
  };
  const interpreter = REAL.indexOf("/ld-");

  test.each([
    ["is of another processor", changed((copy) => copy.writeUInt16LE(243, 18)), "it is made for riscv64"],
    ["is no executable", content(5000, 11), "it is no executable of Linux"],
    ["has no interpreter", changed((copy) => copy.write("/lx-", interpreter)), "which is missing there"],
  ])("is refused with its cause and machine when it %s", async (_, bytes, cause) => {
    const cache = await open();
    await send(cache, bytes);
    const refused = cache.open(refOf(bytes));
    await expect(refused).rejects.toMatchObject({ code: "program-start" });
    const start = `Cannot start the program on agent a1 (${PLATFORM}): `;
    await expect(refused).rejects.toThrow(start);
    await expect(refused).rejects.toThrow(cause);
  });
});
