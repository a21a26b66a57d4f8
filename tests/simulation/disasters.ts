/**
 * What goes wrong for many at once in a simulated run: agents that are killed together, or come back at once under the
 * same name, and parts of the cluster that are cut off from the rest.
 */
import type { FaultTargets } from "./faults.ts";

type Disaster = (targets: FaultTargets) => string | undefined;

const DISASTERS: readonly Disaster[] = [
  crashAgents,
  crashAll,
  bounceAgent,
  crashMasters,
  cutOffMasters,
  split,
];

/** Plans some of them for some time from now on. */
export function planDisasters(targets: FaultTargets, count: number, withinMs: number): void {
  const { world, random } = targets;
  for (let i = 0; i < count; i += 1) {
    const strike = random.pick(DISASTERS);
    world.timeline.after(random.below(withinMs), () => {
      const what = strike(targets);
      if (what !== undefined) world.tell(`disaster: ${what}`);
    });
  }
}

/** At one moment, and each is back when it likes. */
function crashAgents({ agents, random, world }: FaultTargets): string | undefined {
  const up = agents.filter(({ isUp }) => isUp);
  const some = up.filter(() => random.chance(2));
  if (some.length < 2) return undefined;
  for (const agent of some) {
    agent.crash();
    world.timeline.after(random.pick([10, 500, 5_000, 60_000]), () => agent.restart());
  }
  return `${some.map(({ name }) => name)} are killed`;
}

/** The power fails, and comes back. */
function crashAll({ agents, random, world }: FaultTargets): string {
  const ms = random.pick([1, 100, 2_000, 20_000, 90_000]);
  for (const agent of agents) {
    if (!agent.isUp) continue;
    agent.crash();
    world.timeline.after(ms + random.below(50), () => agent.restart());
  }
  return `all agents are killed for ${ms} ms`;
}

/** Another process of the same name is there before anybody can have noticed. */
function bounceAgent({ agents, random, world }: FaultTargets): string | undefined {
  const up = agents.filter(({ isUp }) => isUp);
  if (up.length === 0) return undefined;
  const agent = random.pick(up);
  agent.crash();
  world.timeline.after(random.below(3), () => agent.restart());
  return `${agent.name} is started anew at once`;
}

function crashMasters({ masters, random, world }: FaultTargets): string {
  const ms = random.pick([100, 3_000, 60_000]);
  for (const master of masters) {
    if (!master.isUp) continue;
    master.crash();
    world.timeline.after(ms, () => master.restart());
  }
  return `all masters are killed for ${ms} ms`;
}

/** Masters take agents for lost that go on with their jobs. */
function cutOffMasters({ agents, masters, random, world: { network } }: FaultTargets): string {
  const some = agents.filter(() => random.chance(2));
  const ms = random.pick([3_000, 15_000, 60_000]);
  for (const master of masters) for (const agent of some) network.cut(agent.name, master.name, ms);
  return `${some.map(({ name }) => name)} are cut off from the masters for ${ms} ms`;
}

/** Two halves, with a driver in each that it happens to be in. */
function split({ agents, masters, programs, random, world: { network } }: FaultTargets): string {
  const all = [...agents, ...masters, ...programs.map(({ driver }) => driver)].map(({ name }) => name);
  const one = all.filter(() => random.chance(2));
  const other = all.filter((name) => !one.includes(name));
  const ms = random.pick([300, 3_000, 12_000, 40_000]);
  for (const a of one) for (const b of other) network.cut(a, b, ms);
  return `${one} are cut off from ${other} for ${ms} ms`;
}
