/**
 * What goes wrong in a simulated run, and when: processes crash and come back, links are cut or slow, disks are slow or full,
 * shards vanish.
 */
import type { AgentNode } from "./agent_node.ts";
import type { MasterNode } from "./master_node.ts";
import type { Program } from "./program.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

export interface FaultTargets {
  readonly world: World;
  readonly random: Random;
  readonly agents: readonly AgentNode[];
  readonly masters: readonly MasterNode[];
  readonly programs: readonly Program[];
}

type Fault = (targets: FaultTargets) => string | undefined;

const FAULTS: Readonly<Record<string, { readonly weight: number; readonly strike: Fault }>> = {
  workerCrash: { weight: 6, strike: crashWorker },
  agentCrash: { weight: 3, strike: crashAgent },
  masterCrash: { weight: 2, strike: crashMaster },
  driverCrash: { weight: 1, strike: crashDriver },
  cut: { weight: 4, strike: cutLink },
  slowLink: { weight: 3, strike: slowLink },
  slowDisk: { weight: 2, strike: slowDisk },
  lostShard: { weight: 3, strike: loseShard },
};

/** Those of runs that have them beside the others. */
const MORE_FAULTS: Readonly<Record<string, Fault>> = { fullDisk: fillDisk, driverCrash: crashDriver };

const DRAWN = Object.keys(FAULTS).flatMap((name) => Array.from({ length: FAULTS[name].weight }, () => name));

/** Plans a number of faults for some time from now on. */
export function planFaults(targets: FaultTargets, count: number, withinMs: number): void {
  const { world, random } = targets;
  for (let i = 0; i < count; i += 1) {
    const name = random.pick(DRAWN);
    world.timeline.after(random.below(withinMs), () => {
      const what = FAULTS[name].strike(targets);
      if (what !== undefined) world.tell(`fault: ${what}`);
    });
  }
}

/** Plans some of the faults that not all runs have. */
export function planMoreFaults(targets: FaultTargets, count: number, withinMs: number): void {
  const { world, random } = targets;
  const strikes = Object.values(MORE_FAULTS);
  for (let i = 0; i < count; i += 1) {
    const strike = random.pick(strikes);
    world.timeline.after(random.below(withinMs), () => {
      const what = strike(targets);
      if (what !== undefined) world.tell(`fault: ${what}`);
    });
  }
}

function crashWorker({ agents, random }: FaultTargets): string | undefined {
  const workers = agents
    .filter(({ isUp }) => isUp)
    .flatMap(({ jobs }) => [...jobs.values()].flatMap((part) => [...part.workers.values()]))
    .filter(({ isUp }) => isUp);
  if (workers.length === 0) return undefined;
  const worker = random.pick(workers);
  worker.die("was killed by signal 9");
  return `worker ${worker.number} is killed`;
}

function crashAgent({ agents, random, world }: FaultTargets): string | undefined {
  const up = agents.filter(({ isUp }) => isUp);
  if (up.length === 0) return undefined;
  const agent = random.pick(up);
  agent.crash();
  world.timeline.after(random.pick([10, 500, 5_000, 60_000]), () => agent.restart());
  return `${agent.name} is killed`;
}

function crashMaster({ masters, random, world }: FaultTargets): string | undefined {
  const master = random.pick(masters);
  if (!master.isUp) return undefined;
  master.crash();
  world.timeline.after(random.pick([10, 1_000, 20_000]), () => master.restart());
  return `${master.name} is killed`;
}

function crashDriver({ programs, random }: FaultTargets): string | undefined {
  const program = random.pick(programs);
  const { driver } = program;
  if (!driver.isUp) return undefined;
  driver.crash();
  program.resume();
  return `${driver.name} is killed`;
}

function pickLink({ agents, masters, programs, random }: FaultTargets): readonly [string, string] {
  const agent = random.pick(agents).name;
  const others = [
    ...agents.map(({ name }) => name),
    ...programs.flatMap(({ driver }) => [driver.name, driver.name]),
    ...masters.map(({ name }) => name),
  ].filter((name) => name !== agent);
  return [agent, random.pick(others)];
}

function cutLink(targets: FaultTargets): string {
  const [a, b] = pickLink(targets);
  const ms = targets.random.pick([20, 300, 3_000, 15_000, 60_000]);
  targets.world.network.cut(a, b, ms);
  return `${a} and ${b} are cut off from each other for ${ms} ms`;
}

function slowLink(targets: FaultTargets): string {
  const [a, b] = pickLink(targets);
  const ms = targets.random.pick([100, 2_000]);
  targets.world.network.slow(a, b, ms, 200);
  return `messages between ${a} and ${b} are slow and overtake each other for ${ms} ms`;
}

function slowDisk({ agents, random, world }: FaultTargets): string {
  const agent = random.pick(agents);
  agent.slowness = 1 + random.below(50);
  world.timeline.after(random.pick([100, 5_000]), () => {
    agent.slowness = 1;
  });
  return `the disk of ${agent.name} is slow`;
}

function fillDisk({ agents, random }: FaultTargets): string {
  const agent = random.pick(agents);
  const ms = random.pick([50, 300, 1_000, 5_000]);
  agent.fillDisk(ms);
  return `the disk of ${agent.name} is full for ${ms} ms`;
}

function loseShard({ agents, random }: FaultTargets): string | undefined {
  for (const { jobs, isUp, name } of agents) {
    if (!isUp) continue;
    for (const part of jobs.values()) {
      // What is written to a channel cannot be computed again.
      const shards = part.shards.filter((attempt) => !attempt.startsWith("ch"));
      if (shards.length === 0) continue;
      const shard = random.pick(shards);
      part.destroy(shard);
      return `${shard} vanishes from ${name}`;
    }
  }
  return undefined;
}
