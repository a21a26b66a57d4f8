/**
 * Runs the built executable, Bun and Deno for the tests of the command line, in folders of
 * their own outside of the repository.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";

export const ROOT = normalize(join(import.meta.dir, "../.."));
export const LUCIOLE = join(ROOT, "dist/luciole");
export const BUN = process.execPath;
export const DENO = join(ROOT, "node_modules/.bin/deno");

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called when stdout or stderr has shown the text, with the process's id. */
  readonly onText?: { readonly text: string; readonly act: (pid: number) => void };
  /** It is killed then. Default a minute. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 60_000;

/** Runs a command to its end; killed, with an exit code of null, at the deadline. */
export async function execute(command: readonly string[], options: CommandOptions): Promise<Finished> {
  if (!existsSync(LUCIOLE))
    throw new Error(`Cannot test the executable: ${LUCIOLE} is missing; run scripts/build`);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LUCIOLE_"));
  const child = Bun.spawn([...command], {
    cwd: options.cwd,
    // Progress is told after five seconds: on a busy machine even the smallest program may take as long.
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", LUCIOLE_QUIET: "1", ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.deadlineMs ?? DEADLINE_MS,
    killSignal: "SIGKILL",
  });
  let onText = options.onText;
  const read = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const piece of stream) {
      text += decoder.decode(piece, { stream: true });
      if (onText !== undefined && text.includes(onText.text)) {
        const { act } = onText;
        onText = undefined;
        act(child.pid);
      }
    }
    return text;
  };
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr)]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

/** A temporary folder with files, and a private place for what programs leave behind. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "luciole-e2e-"));
  readonly scratch = mkdtempSync(join(tmpdir(), "luciole-scratch-"));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Installs the package by path, as `npm install /path/to/luciole` does. */
  installPackage(): void {
    mkdirSync(join(this.path, "node_modules"), { recursive: true });
    symlinkSync(ROOT, join(this.path, "node_modules/luciole"));
    this.write("package.json", JSON.stringify({ type: "module", dependencies: { luciole: `file:${ROOT}` } }));
  }

  /** Runs a command here; temporary files go to the scratch folder. */
  run(
    command: readonly string[],
    options: Omit<CommandOptions, "cwd"> & { cwd?: string } = {},
  ): Promise<Finished> {
    const env = {
      TMPDIR: this.scratch,
      XDG_RUNTIME_DIR: this.scratch,
      XDG_CACHE_HOME: this.scratch,
      ...options.env,
    };
    return execute(command, { ...options, cwd: options.cwd ?? this.path, env });
  }

  /** What a finished program left of the engine's: not the caches of runtimes, nor the empty folder of all jobs. */
  leftovers(): readonly string[] {
    return readdirSync(this.scratch, { recursive: true })
      .map(String)
      .filter((name) => name.startsWith("luciole") && name !== "luciole");
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
    rmSync(this.scratch, { recursive: true, force: true });
  }
}
