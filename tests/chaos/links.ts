/**
 * Links that are cut or slow while a job runs, each role on a host of its own: cables that are out, agents that are cut
 * off from each other alone, and links that let little through.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LUCIOLE } from "../e2e/executable.ts";
import { Hosts, whyNoHosts } from "../e2e/hosts.ts";
import { Random } from "../simulation/random.ts";
import { hasReached } from "./course.ts";
import { type Disturbed, disturb } from "./disturbed.ts";
import type { DriverProcess } from "./driver_process.ts";
import type { Family, Undisturbed } from "./report.ts";
import type { Phase } from "./scenario.ts";
import { after } from "./strike.ts";

const AGENTS = ["a0", "a1", "a2"];
/** Nobody is taken for lost by this, and everybody by that. */
const SHORT_MS = [200, 1_000, 3_000];
const LONG_MS = 13_000;
const RATES = [256_000, 2_000_000, 20_000_000];
const PHASES: readonly Phase[] = ["shipping", "starting", "first", "shuffle", "last", "closing"];

type LinkFault = {
  readonly phase: Phase;
  readonly afterMs: number;
  readonly forMs: number;
} & (
  | { readonly kind: "cut"; readonly host: string }
  | { readonly kind: "apart"; readonly hosts: readonly string[] }
  | { readonly kind: "slow"; readonly host: string; readonly rate: number }
);

export const links: Family = {
  why: whyNoHosts,
  size: 1,
  run: async (seed, workload, undisturbed) => {
    const random = new Random(seed);
    const agents = random.chance(4) ? AGENTS.slice(0, 2) : AGENTS;
    const secrets = mkdtempSync(join(tmpdir(), "luciole-secret-"));
    const token = join(secrets, "token");
    Bun.spawnSync([LUCIOLE, "token", token]);
    const hosts = new Hosts(["master", ...agents, "driver"]);
    const faults = agents.length === 2 ? [forGood(random, agents)] : drawFaults(random);
    try {
      const options = {
        workload,
        undisturbed,
        size: 1,
        agents: agents.length,
        env: { LUCIOLE_TOKEN_FILE: token },
        wrap: (role: string, command: readonly string[]) =>
          hosts.on(role, [...command, "--host", hosts.addressOf(role)]),
        wrapDriver: (command: readonly string[]) => hosts.on("driver", command),
      };
      return await disturb(options, (disturbed) =>
        disturbed.run({
          mark: `seed-${seed}`,
          env: { LUCIOLE_LEASE: "20s" },
          mustSucceed: true,
          names: /agent a\d|master/,
          strike: (driver) => strikeAll(faults, hosts, disturbed, driver, undisturbed),
        }),
      );
    } finally {
      hosts.delete();
      rmSync(secrets, { recursive: true });
    }
  },
};

/** The only two agents do not reach each other for longer than the job lasts. */
function forGood(random: Random, hosts: readonly string[]): LinkFault {
  return { kind: "apart", hosts, phase: random.pick(["starting", "first"]), afterMs: 0, forMs: 600_000 };
}

/** One agent or one pair is cut off for long at most: the job can do without that. */
function drawFaults(random: Random): readonly LinkFault[] {
  const faults: LinkFault[] = [];
  let hasLong = false;
  for (let i = 1 + random.below(3); i > 0; i--) {
    const when = { phase: random.pick(PHASES), afterMs: random.pick([0, 20, 200]) };
    const kind = random.pick(["cut", "apart", "slow"] as const);
    const host = random.pick([...AGENTS, "master", "driver"]);
    const mayBeLong: boolean = !hasLong && (kind === "apart" || AGENTS.includes(host));
    const isLong: boolean = mayBeLong && random.chance(3);
    hasLong ||= isLong;
    const forMs = isLong ? LONG_MS : random.pick(SHORT_MS);
    if (kind === "cut") faults.push({ kind, host, forMs, ...when });
    else if (kind === "slow") faults.push({ kind, host, rate: random.pick(RATES), forMs, ...when });
    else {
      const left = random.pick(AGENTS);
      faults.push({ kind, hosts: AGENTS.filter((name) => name !== left), forMs, ...when });
    }
  }
  return faults;
}

async function strikeAll(
  faults: readonly LinkFault[],
  hosts: Hosts,
  { cluster, story }: Disturbed,
  driver: DriverProcess,
  { course }: Undisturbed,
) {
  const perform = async (fault: LinkFault): Promise<boolean> => {
    if (!(await driver.until(() => hasReached(fault.phase, driver, cluster, course)))) return false;
    await after(fault.afterMs);
    if (!driver.isThere) return false;
    story.push(JSON.stringify(fault));
    set(fault, hosts, true);
    await after(fault.forMs, [driver.ended]);
    set(fault, hosts, false);
    return true;
  };
  // Those of one link would end each other.
  let struck = 0;
  const inOrder = [...faults].sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase));
  for (const fault of inOrder) if (await perform(fault)) struck++;
  return { struck, missed: faults.length - struck };
}

function set(fault: LinkFault, hosts: Hosts, isOn: boolean): void {
  if (fault.kind === "cut") hosts.setLink(fault.host, isOn ? "down" : "up");
  else if (fault.kind === "slow") hosts.setRate(fault.host, isOn ? fault.rate : undefined);
  else hosts.setIsolated(fault.hosts, isOn);
}
