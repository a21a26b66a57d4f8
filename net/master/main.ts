/**
 * The master as a process of its own: one guarded port, until a signal ends it.
 *
 * Wires the master's app to a socket. It reads neither argv nor the environment.
 */
import { formatAddress } from "../../core/cluster/address.ts";
import type { MasterConfig } from "../../core/cluster/config.ts";
import manifest from "../../package.json" with { type: "json" };
import { openFailureLog } from "../failure_log.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import { untilSignal } from "../runtime/signals.ts";
import { readSecurity, serveGuarded } from "../security/security.ts";
import { createMaster } from "./master.ts";

/** Told what an operator may want to know, one line at a time. */
export type OnNotice = (text: string) => void;

export interface RunningMaster {
  /** "host:port". */
  readonly address: string;
  close(): Promise<void>;
}

/** Starts a master. @throws {LucioleError} code "usage", or "address" when it cannot listen there. */
export async function startMaster(config: MasterConfig, onNotice: OnNotice): Promise<RunningMaster> {
  const { id, host, port, heartbeatMs: intervalMs, lostMs } = config;
  const security = await readSecurity(config.security);
  const failures = openFailureLog(onNotice);
  const { onFailure } = failures;
  const app = createMaster({ id, version: manifest.version, intervalMs, lostMs, onNotice, onFailure });
  try {
    const server = await serveGuarded({
      runtime: await currentRuntime(),
      listen: { hostname: host, port },
      app,
      security,
      onWarning: (text) => onNotice(`warning: ${text}`),
      onFailure,
    });
    const { address } = server;
    const bound = "port" in address ? address.port : port;
    const close = async (): Promise<void> => {
      app.close();
      await server.stop();
      failures.close();
    };
    return { address: formatAddress({ host, port: bound }), close };
  } catch (error) {
    app.close();
    throw error;
  }
}

/** Runs a master until a signal ends it; agents and jobs go on without it. */
export async function runMaster(config: MasterConfig, onNotice: OnNotice): Promise<void> {
  const master = await startMaster(config, onNotice);
  // Who reads that it listens may end it at once.
  const signal = untilSignal();
  onNotice(`master ${config.id} listens on ${master.address}`);
  onNotice(`master ${config.id} ends: ${await signal}`);
  await master.close();
}
