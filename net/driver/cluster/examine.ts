/**
 * Finds out what `luciole doctor` judges: who answers at which address, how late, with which clock; disks and ports.
 *
 * Judges nothing itself. Every question has its deadline.
 */
import { randomUUID } from "node:crypto";
import { statfs } from "node:fs/promises";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { AGENT_PORT, MASTER_PORT } from "../../../core/cluster/address.ts";
import type { AgentView, ClusterView } from "../../../core/cluster/agent_info.ts";
import type { ClientConfig, SecurityFiles } from "../../../core/cluster/config.ts";
import type { AgentFacts, DiagnosisFacts, Probe } from "../../../core/cluster/diagnosis.ts";
import { describeThrown } from "../../../core/errors.ts";
import { MASTER_ROUTES } from "../../cluster_protocol.ts";
import { askMaster } from "../../master_request.ts";
import { PROTOCOL, PROTOCOL_HEADER, ROUTES, type Transport } from "../../protocol.ts";
import { currentRuntime } from "../../runtime/current_runtime.ts";
import { readSecurity, type Security } from "../../security/security.ts";
import { tcpTransport } from "../../tcp_transport.ts";

const TIMEOUT_MS = 5_000;
const LOCAL_TIMEOUT_MS = 1_000;
const AGENTS_AT_A_TIME = 16;

const PORTS = [
  { port: MASTER_PORT, role: "master" },
  { port: AGENT_PORT, role: "agent" },
] as const;

type PortState = DiagnosisFacts["ports"][number]["state"];
type ClusterFacts = Omit<DiagnosisFacts, "version" | "about">;

export async function examineCluster({ masters, security: files }: ClientConfig): Promise<ClusterFacts> {
  const { security, found } = await examineFiles(files);
  const runtime = await currentRuntime();
  const shown = {
    ...(security.credentials && { credentials: security.credentials }),
    ...(security.tls && { tls: security.tls.client }),
  };
  const dialled = (address: string): Transport => tcpTransport(runtime, { address, name: "it", ...shown });
  const ask = (address: string, path: string): Promise<Answered> => probe(dialled(address), address, path);
  const asked = await Promise.all(
    masters.map(async (address) => ({ address, ...(await ask(address, MASTER_ROUTES.cluster())) })),
  );
  const view = asked.find(({ value }) => value !== undefined)?.value as ClusterView | undefined;
  return {
    files: found,
    masters: asked.map(({ address, probe, value }) => ({
      address,
      probe: probe.kind === "answer" ? { ...probe, version: (value as ClusterView).master.version } : probe,
    })),
    agents: await examineAgents(view?.agents ?? [], (address) => ask(address, ROUTES.agent())),
    disks: await examineDisks(),
    ports: await Promise.all(
      PORTS.map(async ({ port, role }) => {
        const address = `127.0.0.1:${port}`;
        // What runs here may be of another cluster, with TLS or without.
        const plain = tcpTransport(runtime, { address, name: "it" });
        return { port, role, state: await stateOfPort(port, [dialled(address), plain]) };
      }),
    ),
  };
}

/** Each file by itself: one that is of no use must not hide what else is wrong. */
async function examineFiles(
  files: SecurityFiles,
): Promise<{ security: Security; found: ClusterFacts["files"] }> {
  const { tokenFile, tls } = files;
  const found: { what: string; path: string; why?: string }[] = [];
  const tryOut = async (what: string, path: string, some: SecurityFiles): Promise<Partial<Security>> => {
    try {
      const read = await readSecurity(some);
      found.push({ what, path });
      return read;
    } catch (error) {
      found.push({ what, path, why: describeThrown(error) });
      return {};
    }
  };
  const none = { tls: {}, isInsecure: false };
  const secret = tokenFile === undefined ? {} : await tryOut("secret", tokenFile, { ...none, tokenFile });
  const paths = [tls.cert, tls.key, tls.ca].filter((path) => path !== undefined);
  const certificates =
    paths.length === 0 ? {} : await tryOut("certificates", paths.join(", "), { ...none, tls });
  return { security: { ...secret, ...certificates, isInsecure: false }, found };
}

interface Answered {
  readonly probe: Probe;
  /** Undefined for a failure. */
  readonly value?: unknown;
}

async function probe(transport: Transport, address: string, path: string): Promise<Answered> {
  let date: string | null = null;
  const noting: Transport = {
    fetch: async (...request) => {
      const response = await transport.fetch(...request);
      date = response.headers.get("date");
      return response;
    },
  };
  const begun = performance.now();
  try {
    const request = { method: "GET", path, id: randomUUID().slice(0, 8), timeoutMs: TIMEOUT_MS } as const;
    const answer = await askMaster({ address, transport: noting }, request);
    if (answer.kind === "failure") {
      const { reason, why } = answer.failure;
      return { probe: { kind: "failure", reason, why } };
    }
    const clockMs = date === null ? Number.NaN : Date.parse(date) - Date.now();
    const clock = Number.isNaN(clockMs) ? {} : { clockMs };
    const ms = performance.now() - begun;
    return { probe: { kind: "answer", ms, version: "", ...clock }, value: answer.value };
  } catch (error) {
    return { probe: { kind: "failure", reason: "refusal", why: describeThrown(error) } };
  }
}

async function examineAgents(
  agents: readonly AgentView[],
  ask: (address: string) => Promise<Answered>,
): Promise<readonly AgentFacts[]> {
  const facts: AgentFacts[] = [];
  const waiting = [...agents.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, { agent, load, state, silentMs }] = next;
      const { id, address, diskBytes, version } = agent;
      const about = { id, address, state, silentMs, diskBytes, freeDiskBytes: load.freeDiskBytes };
      if (state !== "alive") facts[i] = about;
      else {
        const { probe } = await ask(address);
        facts[i] = { ...about, probe: probe.kind === "answer" ? { ...probe, version } : probe };
      }
    }
  };
  await Promise.all(Array.from({ length: AGENTS_AT_A_TIME }, work));
  return facts;
}

async function examineDisks(): Promise<ClusterFacts["disks"]> {
  const paths = new Set([tmpdir(), process.cwd()]);
  const disks = new Map<string, ClusterFacts["disks"][number]>();
  for (const path of paths) {
    const { bsize, bavail, blocks, type } = await statfs(path);
    // Two directories of one file system are one disk.
    const key = `${type} ${blocks} ${bavail}`;
    if (!disks.has(key)) disks.set(key, { path, freeBytes: bavail * bsize, totalBytes: blocks * bsize });
  }
  return [...disks.values()];
}

async function stateOfPort(port: number, transports: readonly Transport[]): Promise<PortState> {
  const isOpen = await new Promise<boolean>((resolve) => {
    const socket = dial({ host: "127.0.0.1", port, timeout: LOCAL_TIMEOUT_MS });
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket
      .on("connect", () => end(true))
      .on("error", () => end(false))
      .on("timeout", () => end(false));
  });
  if (!isOpen) return "free";
  // Any answer of luciole has the header, also a refusal.
  const headers = { [PROTOCOL_HEADER]: String(PROTOCOL) };
  for (const transport of transports) {
    const init = { headers, signal: AbortSignal.timeout(LOCAL_TIMEOUT_MS) };
    const isLuciole = await transport.fetch(MASTER_ROUTES.health(), init).then(
      (response) => response.headers.has(PROTOCOL_HEADER),
      () => false,
    );
    if (isLuciole) return "luciole";
  }
  return "other";
}
