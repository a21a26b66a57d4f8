/**
 * What goes wrong in one run of the chaos suite: a seed decides it, within a budget that says whether the job must
 * succeed all the same. Plain data; it strikes nobody.
 */
import { Random } from "../simulation/random.ts";

export const PHASES = [
  "waiting",
  "shipping",
  "starting",
  "first",
  "shuffle",
  "last",
  "publishing",
  "closing",
] as const;
export type Phase = (typeof PHASES)[number];

export const ROLES = ["master", "agent", "worker", "driver"] as const;
export type Role = (typeof ROLES)[number];

export interface Fault {
  /** When the job has come so far, and so many ms after that. */
  readonly phase: Phase;
  readonly afterMs: number;
  readonly act: "kill" | "stop";
  readonly role: Role;
  /** Which of them, modulo how many there are then. */
  readonly which: number;
  /** Until it goes on, or one in its place is started. Workers are started by their agent. */
  readonly forMs: number;
}

export interface Scenario {
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** The budget permits success; else a failure that names what was struck will do too. */
  readonly mustSucceed: boolean;
  readonly leaseMs: number;
}

export const AGENTS = 3;
/** See docs/states.md: five losses of one task in a row end its execution. */
const MAX_WORKER_KILLS = 4;
/** The last agent that is left is never struck so that it is lost. */
const MAX_LOST_AGENTS = AGENTS - 1;
/** Long enough for an agent to be taken for lost, which takes 10 s. */
const LOST_MS = 12_000;
const SHORT_MS = [50, 300, 1_500];
const LEASE_MS = 15_000;
/** Where the driver is killed, so that what it left is gone soon. */
const SHORT_LEASE_MS = 2_000;

/** Seeds go through every role, phase and act in turn; what else strikes in the same run is random. */
export function drawScenario(seed: number): Scenario {
  const random = new Random(seed);
  const turn = Math.floor(seed / 2);
  const first = faultAt(random, {
    act: seed % 2 === 0 ? "kill" : "stop",
    role: ROLES[turn % ROLES.length],
    phase: PHASES[Math.floor(turn / ROLES.length) % PHASES.length],
  });
  const faults = [first];
  const more = random.below(3);
  for (let i = 0; i < more; i++) {
    const next = faultAt(random, {
      act: random.pick(["kill", "stop"]),
      // A second driver there is not.
      role: random.pick(["master", "agent", "worker"]),
      phase: random.pick(PHASES),
    });
    if (isWithin([...faults, next])) faults.push(next);
  }
  const isDriverKilled = faults.some(({ role, act }) => role === "driver" && act === "kill");
  return {
    seed,
    faults,
    mustSucceed: !isDriverKilled,
    leaseMs: isDriverKilled ? SHORT_LEASE_MS : LEASE_MS,
  };
}

/** Where it strikes by its phase, act and role. */
function faultAt(random: Random, { act, role, phase }: Pick<Fault, "act" | "role" | "phase">): Fault {
  const isLong = act === "stop" && role !== "driver" && random.chance(6);
  return {
    act,
    role,
    phase,
    afterMs: random.pick([0, 0, 5, 30, 120]),
    which: random.below(100),
    forMs: isLong ? LOST_MS : random.pick(SHORT_MS),
  };
}

function isWithin(faults: readonly Fault[]): boolean {
  const workers = faults.filter(({ role }) => role === "worker").length;
  const agents = faults.filter(({ role }) => role === "agent").length;
  return workers <= MAX_WORKER_KILLS && agents <= MAX_LOST_AGENTS;
}

export function describeFault({ act, role, phase, afterMs, forMs, which }: Fault): string {
  const how = act === "kill" ? "SIGKILL" : `SIGSTOP for ${forMs} ms`;
  return `${how} of ${role} #${which} ${afterMs} ms into "${phase}"`;
}
