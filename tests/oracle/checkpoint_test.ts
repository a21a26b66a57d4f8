/**
 * Programs that are started again from every point at which their driver may have died, compared with the
 * undisturbed run: what they tell, what they write, and what is computed again.
 */
import { afterEach, expect, test } from "bun:test";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unframe } from "../../core/checkpoint/frames.ts";
import { decode } from "../../net/cbor.ts";
import { codecPorts } from "../../net/codec_ports.ts";
import { Random } from "../simulation/random.ts";
import { checkpointProgram, ran, Scratch, type Told } from "./checkpoint_program.ts";
import { Cluster } from "./cluster.ts";
import { until } from "./until.ts";

const SHAPES = [
  { agents: 1, slots: 2 },
  { agents: 3, slots: 1 },
];
const TURNS = 4;
const marks = (turn: number): boolean => turn === 1 || turn === 2;

interface Ran {
  readonly told: Told;
  readonly ran: readonly string[];
  readonly logged: readonly string[];
}

/** Runs the program on a cluster of its own, as a driver that goes on from what is in the directory. */
async function runOn(
  shape: { readonly agents: number; readonly slots: number },
  checkpoint: { readonly path: string; readonly isResumed: boolean } | undefined,
  output: string,
): Promise<Ran> {
  ran.length = 0;
  await using cluster = await Cluster.open({ ...shape, ...(checkpoint && { checkpoint }) });
  const told = await checkpointProgram(cluster.job, { path: output, turns: TURNS, marks });
  return { told, ran: [...ran], logged: cluster.logged };
}

/** The rows that were written, whatever part files they are in. */
function written(output: string): readonly string[] {
  const parts = readdirSync(output).filter((name) => name.startsWith("part-"));
  return parts
    .toSorted()
    .flatMap((name) => readFileSync(join(output, name), "utf8").split("\n").filter(Boolean));
}

/** Ends of whole records, and one place within each. */
function cutsOf(log: Uint8Array): readonly number[] {
  const cuts: number[] = [];
  let at = 0;
  for (const { byteLength } of unframe(log, codecPorts.checksum).payloads) {
    cuts.push(at + 5 + (byteLength >> 1));
    at += 11 + byteLength;
    cuts.push(at);
  }
  return cuts;
}

function kindsOf(log: Uint8Array): readonly unknown[] {
  const records = unframe(log, codecPorts.checksum).payloads.map(decode) as readonly {
    readonly kind: string;
  }[];
  return records.map(({ kind }) => kind);
}

afterEach(() => {
  ran.length = 0;
});

for (const shape of SHAPES) {
  test(`F3: a driver that died after any record of its log, or within it, goes on to the same result on ${shape.agents} agents`, async () => {
    using scratch = new Scratch();
    const path = scratch.at("whole");
    const plain = await runOn(shape, undefined, scratch.at("plain"));
    const first = await runOn(shape, { path, isResumed: false }, scratch.at("first"));
    expect(first.told).toEqual(plain.told);
    expect(first.ran.toSorted()).toEqual(plain.ran.toSorted());
    cpSync(scratch.at("first"), scratch.at("published"), { recursive: true });
    const log = new Uint8Array(readFileSync(join(path, "log.cborseq")));
    let least = first.ran;
    for (const cut of cutsOf(log)) {
      const from = scratch.at(`cut${cut}`);
      cpSync(path, from, { recursive: true });
      writeFileSync(join(from, "log.cborseq"), log.subarray(0, cut));
      rmSync(scratch.at("first"), { recursive: true, force: true });
      // The driver wrote that it publishes before it did.
      if (kindsOf(log.subarray(0, cut)).includes("publishing")) {
        cpSync(scratch.at("published"), scratch.at("first"), { recursive: true });
      }
      const again = await runOn(shape, { path: from, isResumed: true }, scratch.at("first"));
      expect(again.told).toEqual(plain.told);
      expect(written(scratch.at("first"))).toEqual(written(scratch.at("plain")));
      // The more is in the log, the less is computed.
      const isMore = again.ran.length > least.length;
      expect(isMore && { cut, ran: again.ran, before: least, logged: again.logged }).toBe(false);
      least = again.ran;
      rmSync(from, { recursive: true });
    }
  }, 300_000);
}

/** Deletes, cuts short or changes some of the copies. */
function damage(directory: string, random: Random): void {
  const copies = join(directory, "copies");
  for (const name of readdirSync(copies, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".batches") || random.chance(2)) continue;
    const path = join(copies, name);
    const bytes = readFileSync(path);
    if (random.chance(3)) rmSync(path);
    else if (random.chance(2)) writeFileSync(path, bytes.subarray(0, bytes.length >> 1));
    else writeFileSync(path, bytes.fill(random.below(256), 20, 24));
  }
}

test("what is damaged of a checkpoint is computed again", async () => {
  const first = Number(process.env.LUCIOLE_TEST_SEED ?? 1);
  using scratch = new Scratch();
  const path = scratch.at("whole");
  const plain = await runOn(SHAPES[1], undefined, scratch.at("plain"));
  await runOn(SHAPES[1], { path, isResumed: false }, scratch.at("first"));
  cpSync(scratch.at("first"), scratch.at("published"), { recursive: true });
  const log = new Uint8Array(readFileSync(join(path, "log.cborseq")));
  const cuts = cutsOf(log);
  for (let seed = first; seed < first + 8; seed++) {
    const random = new Random(seed);
    const cut = random.pick(cuts);
    const from = scratch.at(`seed${seed}`);
    cpSync(path, from, { recursive: true });
    writeFileSync(join(from, "log.cborseq"), log.subarray(0, cut));
    damage(from, random);
    rmSync(scratch.at("first"), { recursive: true, force: true });
    if (kindsOf(log.subarray(0, cut)).includes("publishing")) {
      cpSync(scratch.at("published"), scratch.at("first"), { recursive: true });
    }
    const again = await runOn(SHAPES[1], { path: from, isResumed: true }, scratch.at("first"));
    expect({ seed, ...again.told }).toEqual({ seed, ...plain.told });
    expect(written(scratch.at("first"))).toEqual(written(scratch.at("plain")));
  }
}, 300_000);

test("a loop's checkpoint holds the last turn's rows and the small results that the program read", async () => {
  using scratch = new Scratch();
  const path = scratch.at("loop");
  await using cluster = await Cluster.open({ ...SHAPES[0], checkpoint: { path, isResumed: false } });
  const groups = (): number => {
    const copies = readdirSync(join(path, "copies"), { recursive: true, encoding: "utf8" });
    return new Set(copies.filter((name) => name.endsWith(".batches")).map((name) => name.split("-")[0])).size;
  };
  // One for the sum of each turn; besides, the rows of this turn and of those before that are not done with. What goes
  // is deleted behind the program, when the disk has what takes its place.
  const onTurn = (turn: number): Promise<void> =>
    until(`old copies are deleted in turn ${turn}`, () => groups() - (turn + 1) <= 3);
  await checkpointProgram(cluster.job, { path: scratch.at("out"), turns: 12, marks: () => true, onTurn });
});

test("a checkpoint that is deleted while the job runs does not come back, and the job goes on", async () => {
  using scratch = new Scratch();
  const path = scratch.at("deleted");
  const cluster = await Cluster.open({ ...SHAPES[0], checkpoint: { path, isResumed: false } });
  const onTurn = (turn: number): void => {
    if (turn === 2) rmSync(path, { recursive: true });
  };
  const options = { path: scratch.at("out"), turns: 6, marks: () => true };
  const told = await checkpointProgram(cluster.job, { ...options, onTurn });
  await cluster[Symbol.asyncDispose]();
  expect(existsSync(path)).toBe(false);
  await using plain = await Cluster.open(SHAPES[0]);
  expect(await checkpointProgram(plain.job, { ...options, path: scratch.at("again") })).toEqual(told);
});

test("a checkpoint that is damaged, of another program, or in use is told as such", async () => {
  using scratch = new Scratch();
  const path = scratch.at("kept");
  await runOn(SHAPES[0], { path, isResumed: false }, scratch.at("out"));
  const open = async (checkpoint: {
    path: string;
    isResumed: boolean;
    program?: string;
  }): Promise<string> => {
    try {
      await using _ = await Cluster.open({ ...SHAPES[0], checkpoint });
      return "opened";
    } catch (error) {
      return String(error).replace(path, "DIR");
    }
  };
  expect(await open({ path, isResumed: false })).toContain("go on from it with --resume");
  expect(await open({ path, isResumed: true, program: "other" })).toContain("it is of another program");
  writeFileSync(scratch.at("file"), "");
  expect(await open({ path: scratch.at("file/in"), isResumed: false })).toMatch(
    /Cannot keep a checkpoint in \S*file\/in: a part of its path is a file$/,
  );
  expect(await open({ path: scratch.at("file"), isResumed: false })).toMatch(
    /: there is a file of that name$/,
  );
  await using _ = await Cluster.open({ ...SHAPES[0], checkpoint: { path, isResumed: true } });
  expect(await open({ path, isResumed: true })).toMatch(/the driver with process \d+ on .* is using it/);
});

test("a program that takes another way than its checkpoint says so, and goes on without it", async () => {
  using scratch = new Scratch();
  const path = scratch.at("kept");
  await runOn(SHAPES[0], { path, isResumed: false }, scratch.at("out"));
  ran.length = 0;
  await using cluster = await Cluster.open({ ...SHAPES[0], checkpoint: { path, isResumed: true } });
  const other = { path: scratch.at("other"), turns: 2, marks: (turn: number) => turn === 0 };
  const told = await checkpointProgram(cluster.job, other);
  expect(cluster.logged.join()).toContain("nothing of the checkpoint is used from here on");
  // The rows that begin were given up when later ones had copies.
  const steps = new Set(ran.map((text) => text.split(" ")[0]));
  expect([...steps].toSorted()).toEqual(["begin", "sorted", "step0", "step1", "written"]);
  await using plain = await Cluster.open(SHAPES[0]);
  expect(await checkpointProgram(plain.job, { ...other, path: scratch.at("plain") })).toEqual(told);
});
