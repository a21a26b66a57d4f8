/** Runs a program over data of real size, in processes of its own, and reads the JSON that it prints. */
import { type Folder, LUCIOLE } from "./executable.ts";

export interface DataRun {
  readonly workers?: number;
  /** Of all workers together. */
  readonly memory?: string;
  readonly args?: readonly string[];
}

export interface Printed<R> {
  readonly result: R;
  readonly stderr: string;
}

/** Counts what every worker process of the driver took at most, in MiB. */
export const PEAKS = `
import { readdirSync, readFileSync } from "node:fs";

export function peaks(): number[] {
  const workers = readdirSync("/proc").filter((name) => {
    try {
      return readFileSync("/proc/" + name + "/stat", "utf8").split(") ")[1]?.split(" ")[1] === String(process.pid);
    } catch {
      return false;
    }
  });
  return workers.map((pid) => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/" + pid + "/status", "utf8"))?.[1]) / 1024);
}
`;

/** @throws {Error} If the program fails, with what it said. */
export async function runProgram<R>(
  folder: Folder,
  program: string,
  { workers = 2, memory = "512MiB", args = [] }: DataRun = {},
): Promise<Printed<R>> {
  folder.write("job.ts", program);
  const flags = ["--workers", String(workers), "--memory", memory, "--quiet"];
  const command = [LUCIOLE, "run", ...flags, "job.ts", ...args];
  const { code, stdout, stderr } = await folder.run(command);
  if (code !== 0) throw new Error(`The program ended with ${code}:\n${stderr}`);
  if (folder.leftovers().length > 0) throw new Error(`It left ${folder.leftovers().join(", ")}`);
  return { result: JSON.parse(stdout) as R, stderr };
}

/** Shows what was measured beside the test's result. */
export function tell(what: string, figures: Readonly<Record<string, number | string>>): void {
  const text = Object.entries(figures).map(([name, figure]) => `${name} ${figure}`);
  console.log(`measured: ${what}: ${text.join(", ")}`);
}
