/**
 * `luciole deploy HOSTS`: brings a cluster up over ssh, and down again with --stop.
 *
 * One line a host. What runs as it should is left alone, so it may be called again at any time.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import type { SecurityFiles } from "../../core/cluster/config.ts";
import { type DeployHost, parseHosts } from "../../core/deploy/hosts.ts";
import { type DeployPlan, planDeployment } from "../../core/deploy/plan.ts";
import { describeThrown, LucioleError } from "../../core/errors.ts";
import { EXIT } from "../../core/program/exit_codes.ts";
import { isLoopback } from "../../core/security/bind.ts";
import { type Deployment, deployHost, stopHost } from "../../net/deploy/deploy_host.ts";
import { Executables } from "../../net/deploy/executables.ts";
import { Ssh } from "../../net/deploy/ssh.ts";
import { readSecret, writeSecret } from "../../net/security/secret_file.ts";

export interface DeployFlags {
  readonly hosts: readonly string[];
  readonly masters?: readonly string[];
  readonly security: SecurityFiles;
  readonly agentArgs: readonly string[];
  readonly directory: string;
  readonly executables?: string;
  readonly sshOptions: readonly string[];
  readonly isStop: boolean;
  readonly isJson: boolean;
}

/** At a time: each of them may send a hundred megabytes. */
const HOSTS_AT_A_TIME = 8;

export async function deploy(flags: DeployFlags): Promise<void> {
  const hosts = parseHosts(flags.hosts);
  const deployment: Deployment = {
    ssh: new Ssh({ options: flags.sshOptions }),
    executables: new Executables(ownExecutable(), flags.executables),
    directory: flags.directory,
    files: [],
  };
  const report = new Report(hosts, flags.isJson);
  if (flags.isStop) await eachHost(hosts, report, (host) => stopHost(deployment, host));
  else await bringUp(flags, hosts, deployment, report);
  report.end();
}

async function bringUp(
  flags: DeployFlags,
  hosts: readonly DeployHost[],
  deployment: Deployment,
  report: Report,
): Promise<void> {
  const { tls, isInsecure } = flags.security;
  const tokenFile = await secretFor(flags, hosts);
  const paths = [tokenFile, tls.cert, tls.key, tls.ca].filter((path) => path !== undefined);
  const files = [...new Set(paths)].map((path) => ({ path, name: nameOf(path, tokenFile) }));
  const plan = planDeployment({
    hosts,
    ...(flags.masters === undefined ? {} : { masters: flags.masters }),
    ...(tokenFile === undefined ? {} : { tokenFile: nameOf(tokenFile, tokenFile) }),
    tls: Object.fromEntries(Object.entries(tls).map(([part, path]) => [part, nameOf(path, tokenFile)])),
    isInsecure,
    agentArgs: flags.agentArgs,
  });
  const rolesOf = new Map(plan.hosts.map(({ host, roles }) => [host, roles]));
  const up = (host: DeployHost) => deployHost({ ...deployment, files }, host, rolesOf.get(host) ?? []);
  // Masters first: agents that come before them say so in their logs.
  const isMaster = (host: DeployHost) => (rolesOf.get(host) ?? []).some(({ role }) => role === "master");
  await eachHost(hosts.filter(isMaster), report, up);
  await eachHost(
    hosts.filter((host) => !isMaster(host)),
    report,
    up,
  );
  report.next = nextText(plan, tokenFile);
}

/** The secret file to send: the one that is named, or one of the user's own, made when there is none. */
async function secretFor(
  { security }: DeployFlags,
  hosts: readonly DeployHost[],
): Promise<string | undefined> {
  if (security.tokenFile !== undefined) {
    await readSecret(security.tokenFile);
    return security.tokenFile;
  }
  if (security.isInsecure || hosts.every(({ host }) => isLoopback(host))) return undefined;
  const folder = join(homedir(), ".luciole");
  const path = join(folder, "token");
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeSecret(path);
    process.stderr.write(`(made the cluster's secret: ${path})\n`);
  }
  await readSecret(path);
  return path;
}

/** On the hosts all files are in one directory. */
function nameOf(path: string, tokenFile: string | undefined): string {
  return path === tokenFile ? "token" : `tls-${basename(path)}`;
}

function nextText({ masters }: DeployPlan, tokenFile: string | undefined): string {
  const secret = tokenFile === undefined ? "" : ` --token-file ${tokenFile}`;
  return `Next: luciole status --master ${masters.join(",")}${secret}`;
}

async function eachHost(
  hosts: readonly DeployHost[],
  report: Report,
  act: (host: DeployHost) => Promise<string>,
): Promise<void> {
  const waiting = [...hosts];
  const work = async (): Promise<void> => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      const one = host;
      await act(one).then(
        (text) => report.add(one, true, text),
        (error: unknown) => report.add(one, false, describeThrown(error)),
      );
    }
  };
  await Promise.all(Array.from({ length: HOSTS_AT_A_TIME }, work));
}

/** One line a host, as it comes. */
class Report {
  next: string | undefined;
  readonly #isJson: boolean;
  readonly #width: number;
  #failed = 0;

  constructor(hosts: readonly DeployHost[], isJson: boolean) {
    this.#isJson = isJson;
    this.#width = Math.max(...hosts.map(({ host }) => host.length));
  }

  add({ host }: DeployHost, isOk: boolean, text: string): void {
    if (!isOk) this.#failed++;
    const line = `${isOk ? "ok    " : "failed"}  ${host.padEnd(this.#width)}  ${text.replace(/\s*\n\s*/g, " | ")}`;
    process.stdout.write(`${this.#isJson ? JSON.stringify({ host, isOk, text }) : line}\n`);
  }

  end(): void {
    if (this.#failed > 0) process.exitCode = EXIT.failed;
    else if (this.next !== undefined && !this.#isJson) process.stderr.write(`${this.next}\n`);
  }
}

function ownExecutable(): string {
  if (process.argv[0] === process.execPath || /\bbun(\.exe)?$/.test(process.execPath)) {
    throw new LucioleError("usage", "Cannot deploy: only the executable luciole can copy itself to hosts");
  }
  return process.execPath;
}
