/**
 * The agent as a process of its own: one port for drivers and other agents, a Unix socket for its workers, a directory.
 *
 * Wires the agent's app to sockets and signals. It reads neither argv nor the environment.
 */

import { randomUUID } from "node:crypto";
import { statfsSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import type { AgentInfo } from "../../core/cluster/agent_info.ts";
import { describeThrown, type LucioleError } from "../../core/errors.ts";
import { plural } from "../../core/program/plural.ts";
import manifest from "../../package.json" with { type: "json" };
import { clusterAccess } from "../driver/cluster/cluster_access.ts";
import { type FailureLog, openFailureLog } from "../failure_log.ts";
import { ownProgram } from "../program/own_program.ts";
import { currentRuntime } from "../runtime/current_runtime.ts";
import type { RunningServer, Runtime } from "../runtime/runtime.ts";
import { untilSignal } from "../runtime/signals.ts";
import { readSecurity, type Security, type SecurityFiles, serveGuarded } from "../security/security.ts";
import { tcpTransport } from "../tcp_transport.ts";
import { type Agent, createAgent } from "./agent.ts";
import { type OwnedDirectory, ownDirectory } from "./directory_lock.ts";
import { Heartbeats } from "./masters/heartbeats.ts";
import { ProgramCache } from "./programs/program_cache.ts";

export interface AgentConfig {
  /** Unique in the cluster. */
  readonly id: string;
  /** Where it listens. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where others reach it; without a port, the one that it listens on. */
  readonly advertise: { readonly host: string; readonly port?: number };
  /** "host:port". */
  readonly masters: readonly string[];
  /** Until a master says how often. */
  readonly heartbeatMs: number;
  readonly dataCenter: string;
  readonly rack: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of this agent alone. */
  readonly directory: string;
  readonly slots: number;
  /** What all of its workers may use together. */
  readonly memoryBytes: number;
  /** What shards and spilled data may take; most of what is free when missing. */
  readonly diskBytes?: number;
  /** Detached drivers at a time. */
  readonly drivers: number;
  readonly security: SecurityFiles;
}

/** Told what an operator may want to know, one line at a time. */
export type OnNotice = (text: string) => void;

/** An agent that listens. */
export class RunningAgent {
  /** "host:port" where others reach it. */
  readonly address: string;
  /** Resolves when no master takes it in, or its directory is gone: it can only end. */
  readonly refused: Promise<LucioleError>;
  readonly #agent: Agent;
  readonly #server: RunningServer;
  readonly #owned: OwnedDirectory;
  readonly #heartbeats: Heartbeats;
  readonly #failures: FailureLog;

  private constructor(parts: AgentParts, server: RunningServer) {
    const { config, agent, owned, runtime, security, onNotice, failures } = parts;
    const { credentials, tls } = security;
    const shown = { ...(credentials && { credentials }), ...(tls && { tls: tls.client }) };
    const refused = Promise.withResolvers<LucioleError>();
    this.address = addressOf(config, server);
    this.refused = refused.promise;
    owned.gone.then(refused.resolve);
    this.#agent = agent;
    this.#server = server;
    this.#owned = owned;
    this.#failures = failures;
    this.#heartbeats = new Heartbeats({
      masters: config.masters.map((address) => ({
        address,
        transport: tcpTransport(runtime, { address, name: "the master", ...shown }),
      })),
      agent: infoOf(config, this.address),
      load: agent.load,
      intervalMs: config.heartbeatMs,
      onNotice,
      onRefused: refused.resolve,
    });
    agent.onChange(() => this.#heartbeats.changed());
  }

  /** Starts an agent. @throws {LucioleError} code "usage", "directory", or "address" when it cannot listen there. */
  static async start(config: AgentConfig, onNotice: OnNotice): Promise<RunningAgent> {
    const { id, slots, memoryBytes } = config;
    const security = await readSecurity(config.security);
    const { secret, tls, credentials } = security;
    const runtime = await currentRuntime();
    // Workers have another working directory.
    const base = resolve(config.directory);
    const owned = ownDirectory(base);
    const { jobs: directory } = owned;
    const diskBytes = config.diskBytes ?? mostOfDisk(directory);
    const access = { ...(secret && { secret }), ...(tls && { tls: tls.client }) };
    const failures = openFailureLog(onNotice);
    const { onFailure } = failures;
    let agent: Agent | undefined;
    try {
      const programs = await ProgramCache.create({
        agent: id,
        directory: join(base, "programs"),
        maxBytes: PROGRAM_BYTES,
        own: await ownProgram(),
      });
      agent = await createAgent({
        id,
        slots,
        memoryBytes,
        diskBytes,
        runtime,
        directory,
        programs,
        onNotice,
        onFailure,
        access,
        drivers: {
          directory: join(base, "drivers"),
          most: config.drivers,
          masters: config.masters,
          cluster: clusterAccess(runtime, config.masters, {
            ...(credentials && { credentials }),
            ...(tls && { tls: tls.client }),
          }),
        },
      });
      const server = await serveGuarded({
        runtime,
        listen: { hostname: config.host, port: config.port },
        app: agent.remote,
        security,
        onWarning: (text) => onNotice(`warning: ${text}`),
        onFailure,
      });
      return new RunningAgent(
        { config: { ...config, diskBytes }, agent, owned, runtime, security, onNotice, failures },
        server,
      );
    } catch (error) {
      // Why it did not start is told, whatever goes wrong with what is left of it.
      await agent?.close().catch((cause) => onNotice(`warning: not all is ended: ${describeThrown(cause)}`));
      failures.close();
      owned.release();
      throw error;
    }
  }

  /** Ends every job and stops; safe to call twice. */
  async close(): Promise<void> {
    await this.#heartbeats.close();
    try {
      await this.#agent.close();
    } finally {
      await this.#server.stop();
      this.#failures.close();
      this.#owned.release();
    }
  }

  /** For a process that is about to end. */
  abandon(): void {
    this.#agent.abandon();
    this.#owned.release();
  }
}

interface AgentParts {
  readonly config: AgentConfig;
  readonly agent: Agent;
  readonly owned: OwnedDirectory;
  readonly runtime: Runtime;
  readonly security: Security;
  readonly onNotice: OnNotice;
  readonly failures: FailureLog;
}

/** What programs of past jobs may take. */
const PROGRAM_BYTES = 4 * 2 ** 30;
/** Of what is free when the agent starts. */
const DISK_SHARE = 0.9;

function mostOfDisk(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return Math.floor(bavail * bsize * DISK_SHARE);
}

function infoOf(config: AgentConfig, address: string): AgentInfo {
  const { id, dataCenter, rack, labels, slots, memoryBytes, diskBytes = 0 } = config;
  const { platform, arch } = process;
  return {
    id,
    incarnation: randomUUID(),
    address,
    dataCenter,
    rack,
    host: hostname(),
    labels,
    version: manifest.version,
    platform: `${platform}-${arch}`,
    slots,
    memoryBytes,
    diskBytes,
  };
}

function addressOf({ port, advertise }: AgentConfig, { address }: RunningServer): string {
  const own = "port" in address ? address.port : port;
  const host = advertise.host.includes(":") ? `[${advertise.host}]` : advertise.host;
  return `${host}:${advertise.port ?? own}`;
}

/**
 * Runs an agent until a signal ends it; a second one does not wait for the end of its jobs.
 *
 * @throws {LucioleError} When it cannot start, no master takes it in, or its directory is gone.
 */
export async function runAgent(config: AgentConfig, onNotice: OnNotice): Promise<void> {
  const agent = await RunningAgent.start(config, onNotice);
  // Who reads that it listens may end it at once.
  const signal = untilSignal(() => agent.abandon());
  onNotice(`agent ${config.id} listens on ${agent.address} with ${plural(config.slots, "slot")}`);
  const end = await Promise.race([signal, agent.refused]);
  if (typeof end === "string") onNotice(`agent ${config.id} ends: ${end}`);
  await agent.close();
  if (typeof end !== "string") throw end;
}
