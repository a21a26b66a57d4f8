/**
 * What a master or an agent is started with: settings checked together, with their defaults.
 *
 * Sans-I/O: variables and the facts of the machine are given. Whether files are there and
 * ports are free is found out by who uses them.
 */
import { LucioleError } from "../errors.ts";
import { formatDuration } from "../program/duration.ts";
import { FlagReader, type Variables } from "../program/flag_reader.ts";
import type { LogLevel } from "../program/limits.ts";
import { formatSize } from "../program/size.ts";
import { AGENT_PORT, MASTER_PORT } from "./address.ts";
import { type Labels, SETTINGS, type Setting, type SettingTexts } from "./settings.ts";

/** The machine that a role starts on. */
export interface Machine {
  readonly hostname: string;
  /** The user's own directory. */
  readonly home: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** How to show who one is, and to know others; none of it means a cluster of this machine alone. */
export interface SecurityFiles {
  readonly tokenFile?: string;
  readonly tls: { readonly cert?: string; readonly key?: string; readonly ca?: string };
  readonly isInsecure: boolean;
}

export interface RoleConfig {
  readonly id: string;
  /** Where it listens. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly security: SecurityFiles;
  readonly heartbeatMs: number;
  readonly logLevel: LogLevel;
  readonly isJson: boolean;
  /** To be said at start. */
  readonly warnings: readonly string[];
}

export interface MasterConfig extends RoleConfig {
  readonly lostMs: number;
}

export interface AgentConfig extends RoleConfig {
  /** Where others reach it; without a port, the one that it listens on. */
  readonly advertise: { readonly host: string; readonly port?: number };
  readonly masters: readonly string[];
  readonly directory: string;
  readonly dataCenter: string;
  readonly rack: string;
  readonly labels: Labels;
  readonly slots: number;
  readonly memoryBytes: number;
  /** Missing: most of what is free when it starts. */
  readonly diskBytes?: number;
  /** Detached drivers at a time. */
  readonly drivers: number;
}

export type SettingName = keyof typeof SETTINGS;

const SECURITY = ["tokenFile", "insecure", "tlsCert", "tlsKey", "tlsCa"] as const;

/** The settings of each role, in the order of its help. */
export const ROLE_SETTINGS: Readonly<Record<"master" | "agent", readonly SettingName[]>> = {
  master: ["host", "port", "name", "heartbeat", "lostAfter", ...SECURITY, "logLevel", "json"],
  agent: [
    ...(["master", "host", "port", "name", "advertise", "dataDir", "slots", "drivers"] as const),
    ...(["memory", "disk"] as const),
    ...(["dataCenter", "rack", "labels", "heartbeat", ...SECURITY, "logLevel", "json"] as const),
  ],
};

export const HEARTBEAT_MS = 2_000;
export const LOST_MS = 10_000;
/** They wait most of the time, but each has a process. */
export const DRIVERS = 8;
/** Share of a machine's memory that workers may use, all together. */
export const MEMORY_SHARE = 0.5;
const LEAST_MEMORY_PER_SLOT = 4 * 2 ** 20;
const LOOPBACK = "127.0.0.1";
const EVERYWHERE: readonly string[] = ["0.0.0.0", "::"];

/** @throws {LucioleError} code "usage" */
export function compileMasterConfig(texts: SettingTexts, env: Variables, machine: Machine): MasterConfig {
  const reader = new FlagReader(texts, env);
  const role = readRole(reader, machine, MASTER_PORT, "master");
  const lostMs = reader.read(SETTINGS.lostAfter) ?? Math.max(LOST_MS, 5 * role.heartbeatMs);
  if (lostMs < 2 * role.heartbeatMs) {
    const [lost, beat] = [formatDuration(lostMs), formatDuration(role.heartbeatMs)];
    throw usage(
      `Cannot use --lost-after ${lost} with a heartbeat every ${beat}: it must be twice that, or more`,
    );
  }
  return { ...role, lostMs };
}

/** @throws {LucioleError} code "usage" */
export function compileAgentConfig(texts: SettingTexts, env: Variables, machine: Machine): AgentConfig {
  const reader = new FlagReader(texts, env);
  const role = readRole(reader, machine, AGENT_PORT, "agent");
  const advertise = reader.read(SETTINGS.advertise);
  const slots = reader.read(SETTINGS.slots) ?? machine.cores;
  const memoryBytes = reader.read(SETTINGS.memory) ?? Math.floor(machine.memoryBytes * MEMORY_SHARE);
  const diskBytes = reader.read(SETTINGS.disk);
  if (memoryBytes < slots * LEAST_MEMORY_PER_SLOT) {
    const least = formatSize(LEAST_MEMORY_PER_SLOT);
    throw usage(
      `Cannot use --memory ${formatSize(memoryBytes)} for ${slots} slots: each needs at least ${least}`,
    );
  }
  const warnings = [...role.warnings];
  if (memoryBytes > machine.memoryBytes) {
    const has = formatSize(machine.memoryBytes);
    warnings.push(`--memory is ${formatSize(memoryBytes)}, and this machine has only ${has}`);
  }
  return {
    ...role,
    warnings,
    advertise: advertise ?? { host: EVERYWHERE.includes(role.host) ? machine.hostname : role.host },
    masters: reader.read(SETTINGS.master) ?? [`${LOOPBACK}:${MASTER_PORT}`],
    directory: reader.read(SETTINGS.dataDir) ?? `${machine.home}/.luciole/agent-${role.port}`,
    dataCenter: reader.read(SETTINGS.dataCenter) ?? "default",
    rack: reader.read(SETTINGS.rack) ?? "default",
    labels: reader.read(SETTINGS.labels) ?? {},
    slots,
    memoryBytes,
    drivers: reader.read(SETTINGS.drivers) ?? DRIVERS,
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}

/** Of whatever asks a cluster: `luciole status` and the like. */
export interface ClientConfig {
  readonly masters: readonly string[];
  readonly security: SecurityFiles;
}

/** @throws {LucioleError} code "usage" */
export function compileClientConfig(texts: SettingTexts, env: Variables): ClientConfig {
  const reader = new FlagReader(texts, env);
  const masters = reader.read(SETTINGS.master) ?? [`${LOOPBACK}:${MASTER_PORT}`];
  return { masters, security: readSecurity(reader) };
}

/** Also for drivers and for what asks masters and agents. */
export function readSecurity(reader: FlagReader): SecurityFiles {
  const paths = { cert: SETTINGS.tlsCert, key: SETTINGS.tlsKey, ca: SETTINGS.tlsCa };
  const tls: { cert?: string; key?: string; ca?: string } = {};
  for (const [part, setting] of Object.entries(paths) as [keyof typeof paths, Setting<string>][]) {
    const path = reader.read(setting);
    if (path !== undefined) tls[part] = path;
  }
  const tokenFile = reader.read(SETTINGS.tokenFile);
  const isInsecure = reader.read(SETTINGS.insecure) ?? false;
  return { ...(tokenFile === undefined ? {} : { tokenFile }), tls, isInsecure };
}

function readRole(reader: FlagReader, machine: Machine, defaultPort: number, kind: string): RoleConfig {
  const port = reader.read(SETTINGS.port) ?? defaultPort;
  const host = reader.read(SETTINGS.host) ?? LOOPBACK;
  return {
    id: reader.read(SETTINGS.name) ?? defaultName(machine.hostname, port, kind),
    host,
    port,
    security: readSecurity(reader),
    heartbeatMs: reader.read(SETTINGS.heartbeat) ?? HEARTBEAT_MS,
    logLevel: reader.read(SETTINGS.logLevel) ?? "info",
    isJson: reader.read(SETTINGS.json) ?? false,
    warnings: [],
  };
}

/** Dots and what else no id may have become dashes. */
function defaultName(hostname: string, port: number, kind: string): string {
  const name = hostname
    .replace(/[^A-Za-z0-9_-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 90);
  return `${name === "" ? kind : name}-${port}`;
}

function usage(message: string): LucioleError {
  return new LucioleError("usage", message);
}
