/**
 * Runs the examples as real processes in a folder of their own, with a deadline, and
 * checks that nothing of a run is left: no process, no file but its output.
 */
import { expect } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";

const ROOT = normalize(join(import.meta.dir, "../.."));
const BUN = join(ROOT, "node_modules/.bin/bun");
const LUCIOLE = join(ROOT, "dist/luciole");
const DEADLINE_MS = 55_000;
/** Inherited by workers, so that those of one run can be found. */
const MARK = "EXAMPLE_RUN";

export interface RunOptions {
  readonly workers?: number;
  /** Run it with the executable instead of Bun. */
  readonly isByExecutable?: boolean;
}

export class Sandbox implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "luciole-examples-"));
  readonly #scratch = mkdtempSync(join(tmpdir(), "luciole-scratch-"));

  write(name: string, text: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  /** The text of a directory of part files, in the order of the parts. */
  readParts(name: string): string {
    const parts = readdirSync(join(this.path, name)).filter((part) => part.startsWith("part-"));
    return parts
      .sort()
      .map((part) => this.read(join(name, part)))
      .join("");
  }

  /** Runs an example to its good end in this folder; returns what it printed, line by line. */
  async run(example: string, args: readonly string[], options: RunOptions = {}): Promise<string[]> {
    const program = join(ROOT, "examples", `${example}.ts`);
    const command = options.isByExecutable === true ? [LUCIOLE, "run", program] : [BUN, program];
    const mark = `${example}-${crypto.randomUUID()}`;
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LUCIOLE_"));
    const child = Bun.spawn([...command, ...args], {
      cwd: this.path,
      env: {
        ...Object.fromEntries(inherited),
        NO_COLOR: "1",
        TMPDIR: this.#scratch,
        XDG_CACHE_HOME: this.#scratch,
        LUCIOLE_DATA: join(this.#scratch, "data"),
        LUCIOLE_WORKERS: String(options.workers ?? 2),
        [MARK]: mark,
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    expect({ example, code: child.exitCode, stderr }).toEqual({ example, code: 0, stderr: "" });
    expect({ example, processes: processesMarked(mark), files: this.#leftovers() }).toEqual({
      example,
      processes: [],
      files: [],
    });
    return stdout.split("\n").slice(0, -1);
  }

  /** What the engine left; runtimes keep caches in the same place. */
  #leftovers(): readonly string[] {
    const data = join(this.#scratch, "data");
    return [
      ...(existsSync(data) ? readdirSync(data) : []),
      ...readdirSync(this.#scratch).filter((name) => name.startsWith("luciole")),
    ];
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

/** Ids of the processes of one run that are still there; only Linux tells the environment of processes. */
function processesMarked(mark: string): readonly string[] {
  if (!existsSync("/proc/self/environ")) return [];
  return readdirSync("/proc").filter((id) => {
    if (!/^\d+$/.test(id)) return false;
    try {
      return readFileSync(`/proc/${id}/environ`, "utf8").includes(`${MARK}=${mark}`);
    } catch {
      // It ended meanwhile, or is somebody else's.
      return false;
    }
  });
}
