/**
 * A master and agents as processes, set up as docs/security.md says, command by command.
 *
 * Ports are any that are free, and addresses those of this machine.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Folder, LUCIOLE, ROOT } from "./executable.ts";

const START_MS = 30_000;

/** A role's process, and all that it has said. */
export class Role {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  said = "";
  readonly #ended: Promise<unknown>;
  #wake: () => void = () => {};

  constructor(command: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
    this.child = Bun.spawn([...command], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const read = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const piece of stream) {
        this.said += decoder.decode(piece, { stream: true });
        this.#wake();
      }
    };
    this.#ended = Promise.all([read(this.child.stdout), read(this.child.stderr), this.child.exited]);
    void this.#ended.then(() => this.#wake());
  }

  /** The first match in what it says. @throws {Error} With all that it said, when it ends or takes too long. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = setTimeout(() => this.child.kill("SIGKILL"), START_MS);
    try {
      for (;;) {
        const match = pattern.exec(this.said);
        if (match !== null) return match;
        if (this.child.exitCode !== null || this.child.signalCode !== null) {
          throw new Error(`No ${pattern} in: ${this.said}`);
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  async end(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.#ended;
  }
}

/** What the document's fences of `sh` say, a line each. */
export function documentedCommands(): readonly string[] {
  const text = readFileSync(join(ROOT, "docs/security.md"), "utf8");
  const fences = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, body]) => body ?? "");
  return fences
    .join("")
    .split("\n")
    .filter((line) => line !== "");
}

export class GuardedCluster {
  readonly folder: Folder;
  readonly roles: Role[] = [];
  readonly env: Record<string, string>;
  master = "";
  /** How the document runs a program, with this cluster's address. */
  runCommand: readonly string[] = [];

  private constructor(files: Readonly<Record<string, string>>) {
    this.folder = new Folder(files);
    const { PATH = "", HOME = "" } = process.env;
    // A variable that no task may see.
    this.env = { PATH, HOME, TMPDIR: this.folder.scratch, NO_COLOR: "1", OTHER_PASSWORD: "hunter2" };
  }

  static async open(files: Readonly<Record<string, string>>, agents: number): Promise<GuardedCluster> {
    const cluster = new GuardedCluster(files);
    try {
      for (const command of documentedCommands()) await cluster.#follow(command, agents);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  async #follow(command: string, agents: number): Promise<void> {
    const words = command.split(" ");
    if (words[0] === "export") {
      for (const word of words.slice(1)) {
        const [name, value] = word.split("=");
        this.env[name] = value;
      }
      return;
    }
    if (words[0] !== "luciole") throw new Error(`Cannot follow: ${command}`);
    const own = [LUCIOLE, ...words.slice(1).map((word) => (word === "node1:7400" ? this.master : word))];
    if (words[1] === "run") {
      this.runCommand = own;
    } else if (words[1] !== "--role") {
      const done = Bun.spawnSync(own, { cwd: this.folder.path, env: this.env });
      if (done.exitCode !== 0) throw new Error(`${command}: ${done.stderr}`);
    } else {
      const here = own.map((word) => (word === "0.0.0.0" ? "127.0.0.1" : word));
      for (let i = 0; i < (words[2] === "agent" ? agents : 1); i++) {
        const named =
          words[2] === "agent" ? ["--name", `a${i}`, "--data-dir", `data${i}`, "--slots", "2"] : [];
        const role = new Role([...here, "--port", "0", ...named], this.folder.path, this.env);
        this.roles.push(role);
        const [, address] = await role.until(/listens on (\S+)/);
        if (words[2] === "master") this.master = String(address);
        else await role.until(/knows this agent/);
      }
    }
  }

  /** Runs luciole with some variables other than the cluster's. */
  run(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return this.folder.run([...command], { env: { ...this.env, ...env } });
  }

  async close(): Promise<void> {
    await Promise.all(this.roles.map((role) => role.end()));
    this.folder[Symbol.dispose]();
  }
}
