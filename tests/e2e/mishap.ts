/**
 * Runs programs in which something goes wrong, and checks what every such end has in common:
 * one telling line, the exit code, and nothing left behind: no file, no socket, no process.
 */
import { expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUN, type CommandOptions, type Finished, Folder, LUCIOLE } from "./executable.ts";

export interface Mishap extends Pick<CommandOptions, "env" | "onText"> {
  readonly program?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** What else the folder needs. */
  readonly prepare?: (folder: string) => void;
  /** Default `luciole run job.ts`. */
  readonly command?: readonly string[];
  /** Run it by `bun job.ts` with the package. */
  readonly isBun?: boolean;
  /** Where the engine keeps its files; default a folder of the test's own. */
  readonly data?: string;
}

export interface Ended extends Finished {
  /** What is in the program's folder afterwards that was not there before. */
  readonly added: readonly string[];
  /** Milliseconds. */
  readonly took: number;
}

const DEADLINE_MS = 20_000;

/** A program of one flow named "it", whose builder is `source`; `rest` runs with the handle `out` and the `job`. */
export function programOf(source: string, rest = ""): string {
  return `import { flow, run } from "luciole";
const it = flow("it", (f) => ${source});
await run(async (job) => { const out = await job.execute(it); ${rest} });
`;
}

/** Runs it to its end and checks that nothing is left. */
export async function endOf(mishap: Mishap): Promise<Ended> {
  using folder = new Folder(mishap.files);
  if (mishap.program !== undefined) folder.write("job.ts", mishap.program);
  if (mishap.isBun === true) folder.installPackage();
  const data = mishap.data ?? join(folder.scratch, "data");
  mkdirSync(join(folder.scratch, "data"));
  mishap.prepare?.(folder.path);
  const before = new Set(everyFile(folder.path));
  const started = performance.now();
  const usual = mishap.isBun === true ? [BUN, "job.ts"] : [LUCIOLE, "run", "job.ts"];
  const ended = await folder.run(mishap.command ?? usual, {
    env: {
      LUCIOLE_WORKERS: "2",
      LUCIOLE_QUIET: "1",
      LUCIOLE_DATA: data,
      SCRATCH: folder.scratch,
      LUCIOLE,
      ...mishap.env,
    },
    ...(mishap.onText === undefined ? {} : { onText: mishap.onText }),
  });
  const took = performance.now() - started;
  await expectNoProcess(folder.scratch);
  expect(everyFile(folder.scratch).filter((name) => /luciole|local-|\.sock$|data\/./.test(name))).toEqual([]);
  const added = everyFile(folder.path).filter((name) => !before.has(name));
  expect(added.filter((name) => /\.staging-|\.old-|\.tmp$/.test(name))).toEqual([]);
  const hide = (text: string) => text.replaceAll(`${folder.path}/`, "").replaceAll(folder.scratch, "SCRATCH");
  return { ...ended, stdout: hide(ended.stdout), stderr: hide(ended.stderr), added, took };
}

/** Runs it and checks the first line of its failure, and that little follows. */
export async function expectFailure(mishap: Mishap, code: number, line: string | RegExp): Promise<Ended> {
  const ended = await endOf(mishap);
  const [first, ...others] = ended.stderr.trimEnd().split("\n");
  if (typeof line === "string") expect(first).toBe(`error: ${line}`);
  else expect(first).toMatch(line);
  expect(first).toStartWith("error: ");
  expect(ended.code).toBe(code);
  for (const other of others) expect(other).toMatch(/^( {2}caused by: | {4}at )/);
  expect(others.length).toBeLessThanOrEqual(4);
  expect(ended.stderr).not.toMatch(/(core|net|cmd)\/\w+\/?\w*\.ts|\$bunfs/);
  return ended;
}

/** Every file below, and hidden directories; a link in a circle is a file here, unlike for a recursive readdir. */
function everyFile(folder: string, below = ""): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    if (name === "node_modules") return [];
    if (!entry.isDirectory()) return [name];
    return [...(entry.name.startsWith(".") ? [name] : []), ...everyFile(folder, name)];
  });
}

/** The kernel needs a moment to end the children of a process that is gone. */
async function expectNoProcess(mark: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  let found = processesOf(mark);
  while (found.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve));
    found = processesOf(mark);
  }
  expect(found).toEqual([]);
}

/** Processes whose environment names the scratch folder of this test. */
function processesOf(mark: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
}
