/**
 * Runs programs against the sources, as processes of their own with private folders, and
 * tells what they leave behind.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";

const ROOT = normalize(join(import.meta.dir, "../../.."));
export const BUN = [process.execPath];
export const DENO = [join(ROOT, "node_modules/.bin/deno"), "run", "-A"];
const DEADLINE_MS = 30_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Names in the folders of jobs, temporary files and outputs, but for the program. */
  readonly left: readonly string[];
}

/** Runs a program that imports from "luciole" to its end; killed, with a code of null, at the deadline. */
export async function runProgram(
  text: string,
  { command = BUN, env = {} }: { readonly command?: readonly string[]; readonly env?: object } = {},
): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "luciole-driver-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/luciole"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "job.ts"), text);
    const given = new Set(readdirSync(folder));
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LUCIOLE_"));
    const child = Bun.spawn([...command, "job.ts"], {
      cwd: folder,
      env: { ...Object.fromEntries(inherited), LUCIOLE_DATA: folder, TMPDIR: folder, NO_COLOR: "1", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    const left = readdirSync(folder).filter((name) => !given.has(name));
    return { code: child.exitCode, stdout, stderr, left };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
