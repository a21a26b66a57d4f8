/**
 * What is wrong with a cluster as seen from one machine, and what to do about it: one line a check.
 *
 * Judges facts that were found elsewhere; asks nobody itself.
 */
import { formatDuration } from "../program/duration.ts";
import { formatSize } from "../program/size.ts";

/** What came of asking somebody. */
export type Probe =
  | {
      readonly kind: "answer";
      readonly ms: number;
      readonly version: string;
      /** How far its clock is before this machine's, to a second or so; unknown when missing. */
      readonly clockMs?: number;
    }
  /** `reason` is stable: "refused", "timeout", "host" and so on; `why` is for people. */
  | { readonly kind: "failure"; readonly reason: string; readonly why: string };

export interface DiagnosisFacts {
  readonly version: string;
  /** Protocol, platform and runtime in words. */
  readonly about: string;
  /** Files that were named; `why` when one is of no use. */
  readonly files: readonly { readonly what: string; readonly path: string; readonly why?: string }[];
  readonly masters: readonly { readonly address: string; readonly probe: Probe }[];
  readonly agents: readonly AgentFacts[];
  readonly disks: readonly {
    readonly path: string;
    readonly freeBytes: number;
    readonly totalBytes: number;
  }[];
  /** Of this machine, where masters and agents listen unless they are told otherwise. */
  readonly ports: readonly {
    readonly port: number;
    readonly role: "master" | "agent";
    readonly state: "free" | "luciole" | "other";
  }[];
}

export interface AgentFacts {
  readonly id: string;
  readonly address: string;
  readonly state: string;
  readonly silentMs: number;
  readonly freeDiskBytes: number;
  readonly diskBytes: number;
  /** Missing for one that is gone. */
  readonly probe?: Probe;
}

export interface Finding {
  readonly check: string;
  readonly isOk: boolean;
  readonly text: string;
}

/** Tokens allow for 60 s. */
const CLOCK_LIMIT_MS = 30_000;
/** Answers tell it in whole seconds. */
const CLOCK_GRAIN_MS = 2_000;
const LEAST_FREE_SHARE = 0.05;
const LEAST_FREE_BYTES = 2 ** 30;

/** In the order in which one would look. */
export function diagnose(facts: DiagnosisFacts): readonly Finding[] {
  return [
    ok("luciole", `version ${facts.version}, ${facts.about}`),
    ...facts.files.map(({ what, path, why }) => finding(what, why === undefined, why ?? path)),
    ...facts.masters.map(({ address, probe }) => ofMaster(address, probe, facts)),
    ...facts.masters.flatMap(({ address, probe }) => ofClock(address, probe)),
    ...ofAgentCount(facts),
    ...facts.agents.flatMap(ofAgent),
    ...facts.disks.map(ofDisk),
    ...facts.ports.map(ofPort),
  ];
}

/** What to do about a master or an agent that is of no use; undefined where `why` says it. */
function adviceOn(reason: string, role: "master" | "agent", address: string): string | undefined {
  const port = address.replace(/^.*:/, "");
  switch (reason) {
    case "refused":
      return role === "master"
        ? "start it there (luciole --role master), or name the right address with --master"
        : "it runs elsewhere now, or its --advertise is wrong";
    case "timeout":
    case "route":
      return `see that the host is up, and that no firewall keeps port ${port} closed`;
    case "host":
      return "see that the name is right, or use an address";
    case "no-luciole":
    case "broken":
      return "see that the port is right: masters listen on 7400, agents on 7401";
    case "agent":
      return "name the master's address with --master; masters listen on 7400";
    case "certificate":
      return "see that --tls-ca names the authority of the cluster, and --tls-cert and --tls-key a certificate of it";
    default:
      return undefined;
  }
}

function ofMaster(address: string, probe: Probe, { version, files }: DiagnosisFacts): Finding {
  const check = `master ${address}`;
  const hasNoSecret = files.some(({ what, why }) => what === "secret" && why !== undefined);
  if (probe.kind === "failure" && probe.reason === "missing" && hasNoSecret) {
    return failed(check, "it answers, and wants the secret that cannot be read", undefined);
  }
  if (probe.kind === "failure") return failed(check, probe.why, adviceOn(probe.reason, "master", address));
  const other = probe.version === version ? "" : `; this is ${version}, and programs run as both can`;
  return ok(check, `answers in ${formatMs(probe.ms)}, version ${probe.version}${other}`);
}

function ofClock(address: string, probe: Probe): readonly Finding[] {
  if (probe.kind === "failure" || probe.clockMs === undefined) return [];
  const apart = formatDuration(Math.abs(probe.clockMs));
  if (Math.abs(probe.clockMs) < CLOCK_LIMIT_MS) {
    const isSame = Math.abs(probe.clockMs) < CLOCK_GRAIN_MS;
    return [ok("clock", `that of ${address} is ${isSame ? "the same" : `${apart} apart`}`)];
  }
  const when = probe.clockMs > 0 ? "before" : "behind";
  return [
    failed(
      "clock",
      `that of ${address} is ${apart} ${when} this machine's`,
      "set both right, with NTP for example",
    ),
  ];
}

function ofAgentCount({ masters, agents }: DiagnosisFacts): readonly Finding[] {
  const isAnswered = masters.some(({ probe }) => probe.kind === "answer");
  if (!isAnswered || agents.length > 0) return [];
  const [{ address } = { address: "MASTER" }] = masters;
  return [
    failed("agents", "there are none", `start one on any machine: luciole --role agent --master ${address}`),
  ];
}

function ofAgent(agent: AgentFacts): readonly Finding[] {
  const check = `agent ${agent.id}`;
  if (agent.state === "left") return [];
  if (agent.state !== "alive" || agent.probe === undefined) {
    const why = `the master has not heard of it for ${formatDuration(agent.silentMs)}`;
    return [failed(check, why, `see whether it runs, and reaches the master from ${agent.address}`)];
  }
  const { probe } = agent;
  if (probe.kind === "failure") {
    return [
      failed(check, `at ${agent.address}: ${probe.why}`, adviceOn(probe.reason, "agent", agent.address)),
    ];
  }
  const disk = ofDisk({ path: "", freeBytes: agent.freeDiskBytes, totalBytes: agent.diskBytes });
  const answers = ok(check, `answers at ${agent.address} in ${formatMs(probe.ms)}, version ${probe.version}`);
  return disk.isOk ? [answers] : [answers, { ...disk, check: `disk of ${agent.id}` }];
}

function ofDisk(disk: {
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}): Finding {
  const { path, freeBytes, totalBytes } = disk;
  const check = path === "" ? "disk" : `disk ${path}`;
  const text = `${formatSize(freeBytes)} of ${formatSize(totalBytes)} free`;
  const isOk = freeBytes >= Math.min(LEAST_FREE_BYTES, totalBytes * LEAST_FREE_SHARE);
  return isOk ? ok(check, text) : failed(check, text, "delete something, or give another --data-dir");
}

function ofPort({ port, role, state }: DiagnosisFacts["ports"][number]): Finding {
  const check = `port ${port}`;
  if (state === "free") return ok(check, `free for ${role === "agent" ? "an" : "a"} ${role} on this machine`);
  if (state === "luciole") return ok(check, "luciole listens on it on this machine");
  return failed(
    check,
    "something else than luciole listens on it on this machine",
    `start the ${role} with another --port`,
  );
}

function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : formatDuration(ms);
}

function ok(check: string, text: string): Finding {
  return finding(check, true, text);
}

function failed(check: string, why: string, advice: string | undefined): Finding {
  return finding(check, false, advice === undefined ? why : `${why}; ${advice}`);
}

function finding(check: string, isOk: boolean, text: string): Finding {
  return { check, isOk, text };
}

/** One line each, and what they come to. */
export function diagnosisText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.map(
    ({ check, isOk, text }) => `${isOk ? "ok    " : "failed"}  ${check.padEnd(width)}  ${text}`,
  );
  const count = findings.filter(({ isOk }) => !isOk).length;
  const sum = count === 0 ? "All is well." : `${count} of ${findings.length} checks failed.`;
  return `${lines.join("\n")}\n\n${sum}`;
}
