/** What an agent refuses a job for: its slots, its memory. */

import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SUCCEEDED } from "../../../core/cluster/job_end.ts";
import { AgentJobs } from "../../../net/agent/agent_jobs.ts";
import type { OpenProgram, ProgramCache } from "../../../net/agent/programs/program_cache.ts";

const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const order = (memoryBytes: number, workers = 1) => ({
  workers,
  firstWorker: 0,
  memoryBytes,
  command: { command: ["none"], environment: {}, workingDirectory: "." },
});

test("AgentJobs keeps slots and memory apart for its jobs, and gives them back at their end", async () => {
  const exits: (() => void)[] = [];
  let changes = 0;
  const jobs = new AgentJobs({
    id: "a1",
    directory,
    slots: 3,
    memoryBytes: 100,
    startWorker: ({ onExit }) => {
      const exit = (): void => onExit("was ended");
      exits.push(exit);
      return { terminate: exit, kill: exit };
    },
    onChange: () => changes++,
  });
  await jobs.start("j1", order(60));
  expect(changes).toBe(1);
  await expect(jobs.start("j2", order(41))).rejects.toThrow(
    "Cannot start job j2: it wants 41 bytes of memory, and agent a1 has 40 free",
  );
  await expect(jobs.start("j2", order(40, 3))).rejects.toThrow("agent a1 has 2 slots free");
  await jobs.start("j2", order(40, 2));
  // The same order once more changes nothing.
  await jobs.start("j2", order(40, 2));
  expect(jobs.load).toMatchObject({ freeSlots: 0, freeMemoryBytes: 0 });
  for (const exit of exits) exit();
  await jobs.end("j1", SUCCEEDED);
  expect(jobs.load).toMatchObject({ freeSlots: 1, freeMemoryBytes: 60 });
  await jobs.close();
  await expect(jobs.start("j3", order(1))).rejects.toThrow("agent a1 has 0 slots free");
}, 60_000);

test("AgentJobs starts no more workers of a job that this process does not have", async () => {
  const startWorker = () => ({ terminate: () => undefined, kill: () => undefined });
  const jobs = new AgentJobs({ id: "a1", directory, slots: 3, memoryBytes: 100, startWorker });
  await expect(jobs.start("j1", { ...order(1), isMore: true })).rejects.toThrow("Cannot find job j1");
  await jobs.start("j1", order(1));
  await jobs.start("j1", { ...order(2, 1), firstWorker: 1, isMore: true });
  expect(jobs.load.freeSlots).toBe(1);
  jobs.abandon();
});

test("AgentJobs begins no job that was ended while its program was looked at", async () => {
  const opened = Promise.withResolvers<OpenProgram>();
  let released = 0;
  let started = 0;
  const jobs = new AgentJobs({
    id: "a1",
    directory,
    slots: 1,
    programs: { open: () => opened.promise } as unknown as ProgramCache,
    startWorker: ({ onExit }) => {
      started++;
      return { terminate: () => onExit("was ended"), kill: () => onExit("was ended") };
    },
  });
  const program = { kind: "bundle", sha256: "0".repeat(64), sizeBytes: 1 } as const;
  const late = jobs.start("j1", { ...order(0), program });
  const other = jobs.start("j2", { ...order(0), program });
  await jobs.end("j1", SUCCEEDED);
  opened.resolve({ command: ["none"], environment: {}, release: () => released++ });
  await expect(late).rejects.toThrow("Cannot start job j1 on agent a1: it was ended");
  await other;
  expect({ released, started, freeSlots: jobs.load.freeSlots }).toEqual({
    released: 1,
    started: 1,
    freeSlots: 0,
  });
  await jobs.close();
}, 60_000);

// Where a file system without room for another file may be mounted.
const mount = (place: string): string => `mount -t tmpfs -o nr_inodes=1 none ${place}`;
const isMountable = Bun.spawnSync(["unshare", "-m", "sh", "-c", mount("/mnt")]).success;

test.if(isMountable)(
  "AgentJobs tells a full disk as such when a job has no room for its directory",
  async () => {
    mkdirSync(directory, { recursive: true });
    const program = join(import.meta.dir, "full_disk_job.ts");
    const script = `${mount('"$0"')} && exec "$@"`;
    const command = ["unshare", "-m", "sh", "-c", script, directory, process.execPath, program, directory];
    const { stdout, stderr } = Bun.spawnSync(command);
    expect(stderr.toString()).toBe("");
    expect(JSON.parse(stdout.toString())).toEqual({
      code: "disk-full",
      message: expect.stringContaining(`the disk of ${directory} is full`),
      freeSlots: 1,
    });
  },
  60_000,
);
