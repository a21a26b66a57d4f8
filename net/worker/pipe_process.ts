/**
 * The child process that rows are piped through as lines (`pipe`).
 *
 * The child inherits the worker's environment, which is an allow-list already.
 */
import { Buffer } from "node:buffer";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import type { PipeProcess } from "../../core/exec/ports.ts";

const LAST_STDERR_BYTES = 4096;
const STDERR_GRACE_MS = 200;

export function spawnPipe(command: readonly string[] | string): PipeProcess {
  const [file, args] = typeof command === "string" ? ["/bin/sh", ["-c", command]] : splitCommand(command);
  return new ChildPipe(spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] }), commandText(command));
}

class ChildPipe implements PipeProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #command: string;
  readonly #ended = Promise.withResolvers<string | undefined>();
  #stderr = Buffer.alloc(0);
  #isOver = false;

  constructor(child: ChildProcessWithoutNullStreams, command: string) {
    this.#child = child;
    this.#command = command;
    child.stderr.on("data", (bytes: Uint8Array) => {
      this.#stderr = Buffer.concat([this.#stderr, bytes]).subarray(-LAST_STDERR_BYTES);
    });
    child.on("error", (error) => {
      this.#isOver = true;
      this.#ended.resolve(`could not be started: ${error.message}`);
    });
    // "close" comes after its last words, but never while a process that it left behind holds its stderr.
    child.on("exit", (code, signal) => {
      const isFine = code === 0;
      const failure = isFine
        ? undefined
        : signal === null
          ? `exited with code ${code}`
          : `was ended by ${signal}`;
      const timer = setTimeout(() => this.#ended.resolve(failure), STDERR_GRACE_MS);
      child.on("close", () => {
        clearTimeout(timer);
        this.#ended.resolve(failure);
      });
    });
    // A child that closes its input early (`head -1`) is no failure; how it exits decides.
    child.stdin.on("error", () => undefined);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { stdin } = this.#child;
    if (!stdin.writable || stdin.destroyed) return;
    if (stdin.write(bytes)) return;
    const room = new AbortController();
    const waits = ["drain", "close", "error"].map((event) => once(stdin, event, { signal: room.signal }));
    await Promise.race([...waits, this.#ended.promise]).catch(() => undefined);
    room.abort();
    await Promise.allSettled(waits);
  }

  end(): void {
    this.#child.stdin.end();
  }

  async *output(): AsyncIterable<Uint8Array> {
    try {
      for await (const bytes of this.#child.stdout) yield bytes as Uint8Array;
    } catch (error) {
      // One that could not be started closes its pipes in disorder; why is told below.
      if (!this.#isOver) throw error;
    }
    const failure = await this.#ended.promise;
    if (failure === undefined) return;
    const stderr = this.#stderr.toString().trim();
    throw new Error(`the command \`${this.#command}\` ${failure}${stderr === "" ? "" : `: ${stderr}`}`);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function splitCommand(command: readonly string[]): [string, string[]] {
  const [file, ...args] = command;
  if (file === undefined) throw new RangeError("Cannot pipe: the command is empty");
  return [file, args];
}

function commandText(command: readonly string[] | string): string {
  return typeof command === "string" ? command : command.join(" ");
}
