/**
 * Wires `luciole status`, `jobs`, `logs` and `cancel` to the cluster and the terminal.
 */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientConfig } from "../../core/cluster/config.ts";
import type { SettingTexts } from "../../core/cluster/settings.ts";
import { openClusterClient } from "../../net/driver/cluster_client.ts";
import { endWithReaders } from "../../net/runtime/closed_pipes.ts";
import { userAtHost } from "../../net/runtime/machine.ts";
import { outputWidth } from "../table.ts";
import { VERSION } from "../version.ts";
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

function terminalOf(texts: SettingTexts): Terminal {
  return {
    width: outputWidth(),
    now: () => Date.now(),
    isJson: texts.json === "true",
    user: userAtHost(),
    print: (line) => void process.stdout.write(`${line}\n`),
    warn: (line) => void process.stderr.write(`${line}\n`),
  };
}
