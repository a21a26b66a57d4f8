/** C16: the interfaces of connected dataflow as programs see them, member by member, and where docs/connected.md maps Twister2's. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./sources.ts";

const textOf = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Members of an exported interface without their comments, each on one line. */
function membersOf(path: string, name: string): readonly string[] {
  const code = textOf(path).replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const body = new RegExp(`export interface ${name} [^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(code)?.[1] ?? "";
  const members = body.replaceAll(/\s+/g, " ").split(";");
  return members
    .map((member) => member.replaceAll(/\( /g, "(").replaceAll(/,? \)/g, ")").trim())
    .filter(Boolean);
}

describe("C16: programs see", () => {
  test("the scaler of the seed", () => {
    expect(membersOf("net/driver/members/scaler.ts", "Scaler")).toEqual([
      "readonly scalable: boolean",
      "scaleUp(count: number): Promise<boolean>",
      "scaleDown(count: number): Promise<boolean>",
      "adaptive(options: AdaptiveOptions | false): boolean",
    ]);
  });

  test("the messenger of the seed", () => {
    expect(membersOf("net/driver/members/messenger.ts", "Messenger")).toEqual([
      "broadcast(message: unknown): Promise<void>",
      "sendToWorkers(message: unknown, workers: readonly number[]): Promise<void>",
      "sendToWorker(message: unknown, worker: number): Promise<void>",
    ]);
  });

  test("what drivers listen for", () => {
    const members = membersOf("net/driver/job.ts", "Job");
    expect(members.filter((member) => member.startsWith("on"))).toEqual([
      'on<T = unknown>(event: "workerMessage", listener: (message: T, worker: number) => unknown): void',
      'on(event: "allWorkersJoined", listener: (workers: readonly WorkerInfo[], epoch: number) => void): void',
      'on(event: "workerFailed", listener: (worker: WorkerInfo, cause: string) => void): void',
      'on(event: "workerRestarted", listener: (worker: WorkerInfo) => void): void',
    ]);
    expect(members).toContain("readonly scaler: Scaler");
    expect(members).toContain("readonly messenger: Messenger");
  });

  test("what workers send and listen for", () => {
    const members = membersOf("core/exec/context.ts", "TaskContext");
    expect(members.filter((member) => /^(on|sendToDriver)\b/.test(member))).toEqual([
      "sendToDriver<T = unknown>(message: T): PromiseLike<void>",
      'on<T = unknown>(event: "driverMessage", listener: (message: T) => unknown): void',
      'on(event: "workersScaledUp" | "workersScaledDown", listener: (count: number, epoch: number) => unknown): void',
      'on(event: "allWorkersJoined", listener: (workers: readonly WorkerInfo[], epoch: number) => unknown): void',
    ]);
  });
});

test.each([
  ["IScaler.isScalable", "job.scaler.scalable"],
  ["IScaler.scaleUpWorkers", "job.scaler.scaleUp("],
  ["IScaler.scaleDownWorkers", "job.scaler.scaleDown("],
  ["IDriverMessenger.broadcastToAllWorkers", "job.messenger.broadcast("],
  ["IDriverMessenger.sendToWorkerList", "job.messenger.sendToWorkers("],
  ["IDriverMessenger.sendToWorker", "job.messenger.sendToWorker("],
  ["DriverJobListener.workerMessageReceived", 'job.on("workerMessage"'],
  ["DriverJobListener.allWorkersJoined", 'job.on("allWorkersJoined"'],
  ["IWorkerMessenger.sendToDriver", "ctx.sendToDriver("],
  ["JobListener.workersScaledUp", 'ctx.on("workersScaledUp"'],
  ["JobListener.workersScaledDown", 'ctx.on("workersScaledDown"'],
  ["JobListener.driverMessageReceived", 'ctx.on("driverMessage"'],
  ["JobListener.allWorkersJoined", 'ctx.on("allWorkersJoined"'],
  ["IConnectedDataflowScheduler.schedule", "`schedule` of the options"],
])("C16: docs/connected.md maps %s to %s", (theirs, ours) => {
  const rows = textOf("docs/connected.md").split("\n");
  expect(rows.filter((row) => row.startsWith(`| \`${theirs}(`) && row.includes(ours)).length).toBe(1);
});
