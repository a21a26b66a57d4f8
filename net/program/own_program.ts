/**
 * What this very process is: its engine's version, its platform, its executable.
 */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { currentRuntime } from "../runtime/current_runtime.ts";
import { embeddedEngine } from "./embedded_engine.ts";

export interface OwnProgram {
  /** Starts this program again. */
  readonly command: readonly string[];
  /** Of the engine, and of its very code where that is known: builds of one version may differ. */
  readonly version: string;
  /** "linux-x64". */
  readonly platform: string;
  /** Where its executable can be read; missing when a runtime runs it from source. */
  readonly executable?: string;
  /** Whether the command starts something else by now: another file has taken its place. */
  isReplaced?(): Promise<boolean>;
}

export const PLATFORM = `${process.platform}-${process.arch}`;

let own: Promise<OwnProgram> | undefined;

export function ownProgram(): Promise<OwnProgram> {
  own ??= describe();
  return own;
}

async function describe(): Promise<OwnProgram> {
  const command = (await currentRuntime()).scriptCommand();
  const engine = await embeddedEngine()?.text();
  const code =
    engine === undefined ? "source" : createHash("sha256").update(engine).digest("hex").slice(0, 12);
  const isExecutable = command.length === 1;
  // The link leads to what runs, also when another file has taken its place since.
  const executable = process.platform === "linux" ? "/proc/self/exe" : process.execPath;
  return {
    command,
    version: `${manifest.version}+${code}`,
    platform: PLATFORM,
    ...(isExecutable ? { executable, isReplaced: () => isOther(executable, process.execPath) } : {}),
  };
}

async function isOther(running: string, named: string): Promise<boolean> {
  if (running === named) return false;
  const [one, other] = await Promise.all([running, named].map((path) => stat(path).catch(() => undefined)));
  return one !== undefined && (one.ino !== other?.ino || one.dev !== other.dev);
}
