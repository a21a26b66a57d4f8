/**
 * Wires `luciole status`, `jobs`, `logs`, `attach` and `cancel` to the cluster and the terminal.
 */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientConfig } from "../../core/cluster/config.ts";
import type { SettingTexts } from "../../core/cluster/settings.ts";
import { LucioleError } from "../../core/errors.ts";
import { openClusterAccess } from "../../net/driver/cluster/cluster_access.ts";
import { openClusterClient } from "../../net/driver/cluster/cluster_client.ts";
import { followDriver } from "../../net/driver/detached/follow.ts";
import { endWithReaders } from "../../net/runtime/closed_pipes.ts";
import { userAtHost } from "../../net/runtime/machine.ts";
import { untilSignal } from "../../net/runtime/signals.ts";
import { outputWidth } from "../table.ts";
import { VERSION } from "../version.ts";
import { findJob } from "./find_job.ts";
import type { Terminal } from "./port.ts";
import { cancel, jobs, type LogsOptions, logs, status } from "./verbs.ts";

const LOGS_INTERVAL_MS = 500;

export async function showStatus(config: ClientConfig, texts: SettingTexts): Promise<void> {
  await status(await openClusterClient(config), terminalOf(texts), VERSION);
}

export async function showJobs(config: ClientConfig, texts: SettingTexts): Promise<void> {
  await jobs(await openClusterClient(config), terminalOf(texts));
}

export async function showLogs(
  config: ClientConfig,
  texts: SettingTexts,
  job: string,
  options: Omit<LogsOptions, "pause">,
): Promise<void> {
  endWithReaders();
  const pause = (): Promise<void> => delay(LOGS_INTERVAL_MS);
  await logs(await openClusterClient(config), terminalOf(texts), job, { ...options, pause });
}

export async function cancelJob(config: ClientConfig, texts: SettingTexts, job: string): Promise<void> {
  await cancel(await openClusterClient(config), terminalOf(texts), job);
}

export interface AttachChoices {
  readonly isFromNow: boolean;
}

/** Shows a detached job until it ends, and ends as it does. An interrupt leaves it as it is. */
export async function attachJob(
  config: ClientConfig,
  wanted: string,
  { isFromNow }: AttachChoices,
): Promise<void> {
  endWithReaders();
  const access = await openClusterAccess(config);
  const found = findJob(await access.master.jobs(), wanted, "attach to");
  if (found.detached === undefined) {
    const message = `Cannot attach to job ${found.job}: its driver runs at its client, ${found.driver}, and prints there; what its workers print: luciole logs -f ${found.job}`;
    throw new LucioleError("usage", message);
  }
  const left = new AbortController();
  void untilSignal().then(() => left.abort());
  const { job } = found;
  const { masters } = config;
  const isFromBeginning = !isFromNow;
  const code = await followDriver({ access, masters, job, isFromBeginning, signal: left.signal });
  // Held requests would keep the process.
  process.exit(code);
}

function terminalOf(texts: SettingTexts): Terminal {
  return {
    width: outputWidth(),
    now: () => Date.now(),
    isJson: texts.json === "true",
    user: userAtHost(),
    print: (line) => void process.stdout.write(`${line}\n`),
    write: (bytes) => new Promise((resolve) => process.stdout.write(bytes, () => resolve())),
    warn: (line) => void process.stderr.write(`${line}\n`),
  };
}
