/**
 * Runs scripts on other hosts and copies files there, by the system's own `ssh` and `scp`.
 *
 * So keys, agents, jump hosts and ~/.ssh/config are what they are elsewhere. It never asks for a password.
 */
import { spawn } from "node:child_process";
import { LucioleError } from "../../core/errors.ts";

export interface SshOptions {
  /** As `-o` takes them: "Port=2222". */
  readonly options: readonly string[];
}

const TIMEOUT_S = 10;
/** What hangs beyond it is given up. */
const DEADLINE_MS = 600_000;
const MAX_OUTPUT = 64 * 1024;

export class Ssh {
  readonly #options: readonly string[];

  constructor({ options }: SshOptions) {
    const all = ["BatchMode=yes", `ConnectTimeout=${TIMEOUT_S}`, "LogLevel=ERROR", ...options];
    this.#options = all.flatMap((option) => ["-o", option]);
  }

  /** Runs a script of the POSIX shell. @returns What it printed. @throws {LucioleError} code "ssh". */
  script(target: string, text: string): Promise<string> {
    return run("ssh", [...this.#options, "--", target, "sh -s"], text);
  }

  /** @param path On the host; relative to the user's home. */
  async copy(file: string, target: string, path: string): Promise<void> {
    const host = target.replace(/([^@]*:.*)$/, "[$1]");
    await run("scp", ["-q", ...this.#options, "--", file, `${host}:${path}`], "");
  }
}

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], timeout: DEADLINE_MS });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (output.length < MAX_OUTPUT) output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (errors.length < MAX_OUTPUT) errors += text;
    });
    child.on("error", (cause) => reject(notThere(program, cause)));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new LucioleError("ssh", reasonOf(program, errors, code ?? signal)));
    });
    // A host that refuses at once closes it before it is read; the exit code tells why.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function notThere(program: string, cause: Error): LucioleError {
  const why = "code" in cause && cause.code === "ENOENT" ? "it is not installed here" : cause.message;
  return new LucioleError("ssh", `${program} cannot be run: ${why}`, { cause });
}

/** The last line that it printed says most. */
function reasonOf(program: string, errors: string, end: number | string | null): string {
  const lines = errors.split("\n").map((line) => line.trim());
  const last = lines.findLast(
    (line) => line !== "" && !/^(lost connection|Connection closed\.?)$/i.test(line),
  );
  const text = last ?? `${program} ended with ${end}`;
  if (/host key verification failed/i.test(errors))
    return `${text} Run ssh once by hand to accept the host's key`;
  if (/permission denied/i.test(errors)) return `${text} It takes no password: install a key on the host`;
  return text;
}
