/**
 * Brings one host to what it is to run: executable, files, roles; or ends what runs there.
 *
 * Nothing is sent or started anew that is as it should be. Knows no other host.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type DeployHost, platformOf } from "../../core/deploy/hosts.ts";
import {
  EXECUTABLE,
  forgetScript,
  placeScript,
  probeScript,
  readAnswer,
  startScript,
  stopScript,
} from "../../core/deploy/scripts.ts";
import { LucioleError } from "../../core/errors.ts";
import type { Executable, Executables } from "./executables.ts";
import type { Ssh } from "./ssh.ts";

export interface RoleStart {
  readonly role: "master" | "agent";
  readonly args: readonly string[];
}

export interface Deployment {
  readonly ssh: Ssh;
  readonly executables: Executables;
  /** On the hosts; relative to the user's home. */
  readonly directory: string;
  /** Sent to each host, for its owner alone. */
  readonly files: readonly { readonly path: string; readonly name: string }[];
}

/** @returns What was done, in words. @throws {LucioleError} When it was not done; the message says why. */
export async function deployHost(
  deployment: Deployment,
  { target }: DeployHost,
  roles: readonly RoleStart[],
): Promise<string> {
  const { ssh, directory } = deployment;
  const facts = readAnswer(await ssh.script(target, probeScript(directory)));
  const [system = "?", machine = "?"] = [facts.get("system"), facts.get("machine")];
  const platform = platformOf(system, machine);
  if (platform === undefined) {
    throw new LucioleError("no-executable", `there is no executable for ${system} on ${machine}`);
  }
  const executable = await deployment.executables.find(platform);
  const filesSum = await sumOf(deployment.files.map(({ path }) => path));
  const starts = roles.map(({ role, args }) => {
    const all = JSON.stringify([executable.sha256, filesSum, args]);
    return { role, args, stamp: createHash("sha256").update(all).digest("hex") };
  });
  const isSame = facts.get("sha") === executable.sha256;
  if (isSame && starts.every(({ role, stamp }) => facts.get(role) === stamp)) {
    return `${namesOf(roles)} already running (${platform})`;
  }
  await send(deployment, target, isSame ? undefined : executable);
  for (const start of starts) {
    checkStart(start.role, readAnswer(await ssh.script(target, startScript(directory, start))), directory);
  }
  return `${namesOf(roles)} started (${platform}${isSame ? "" : ", executable sent"})`;
}

/** @returns What was done, in words. */
export async function stopHost({ ssh, directory }: Deployment, { target }: DeployHost): Promise<string> {
  const answer = readAnswer(await ssh.script(target, stopScript(directory)));
  const stopped = ["agent", "master"].filter((role) => answer.get(role) === "stopped");
  return stopped.length === 0 ? "nothing was running" : `${stopped.join(" and ")} stopped`;
}

async function send(
  deployment: Deployment,
  target: string,
  executable: Executable | undefined,
): Promise<void> {
  const { ssh, directory, files } = deployment;
  const all = files.map(({ path, name }) => ({ path, name, mode: "600" }));
  if (executable !== undefined) all.push({ path: executable.path, name: EXECUTABLE, mode: "700" });
  // Two deployments at a time must not write to one file.
  const suffix = randomBytes(4).toString("hex");
  if (all.length === 0) return;
  try {
    for (const { path, name } of all) await ssh.copy(path, target, `${directory}/${name}.${suffix}`);
    await ssh.script(target, placeScript(directory, suffix, all));
  } catch (error) {
    await ssh.script(target, forgetScript(directory, suffix, all)).catch(() => undefined);
    throw error;
  }
}

function checkStart(role: string, answer: ReadonlyMap<string, string>, directory: string): void {
  const state = answer.get("state");
  if (state === "running" || state === "started") return;
  if (state === "failed") {
    throw new LucioleError(
      "deploy",
      `the ${role} ended at once: ${answer.get("why")?.replace(/^error: /, "") ?? "it does not say why"}`,
    );
  }
  throw new LucioleError(
    "deploy",
    `the ${role} does not listen yet: see ${directory}/${role}-HOST.log there`,
  );
}

async function sumOf(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    const bytes = await readFile(path).catch((cause: Error) => {
      throw new LucioleError("usage", `Cannot send ${path}: ${cause.message}`, { cause });
    });
    hash.update(`${bytes.byteLength}\n`).update(bytes);
  }
  return hash.digest("hex");
}

function namesOf(roles: readonly RoleStart[]): string {
  return roles.map(({ role }) => role).join(" and ");
}
