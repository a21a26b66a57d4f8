/**
 * Random physical plans: chains, joins, unions, gathers, spreads, exchanges, sorts, sinks.
 */
import type { InputEdge, SortOrder } from "../../../core/plan/physical.ts";
import type { Random } from "../../simulation/random.ts";
import { edge, type GroupOptions, hashTail, planOf } from "./plans.ts";

export interface Dataset {
  readonly id: string;
  readonly shards: number;
}

/** Edges of one group of a random plan: a chain, a join, a union, a gather or a spread. */
function randomInputs(random: Random, groups: GroupOptions[], datasets: readonly Dataset[]): GroupOptions {
  const from = (): { ref: number | string; shards: number } => {
    const isDataset = datasets.length > 0 && (groups.length === 0 || random.chance(4));
    if (isDataset) {
      const dataset = random.pick(datasets);
      return { ref: dataset.id, shards: dataset.shards };
    }
    // Sorted runs are read by the group that merges them alone.
    const readable = [...groups.keys()].filter((i) => groups[i].tail?.kind !== "runs");
    const group = random.pick(readable);
    return { ref: group, shards: groups[group].tasks };
  };
  const source = from();
  const shards = 1 + random.below(4);
  switch (random.below(6)) {
    case 0:
      return { tasks: source.shards, inputs: [edge(source.ref, "forward")] };
    case 1:
      return { tasks: shards, inputs: [edge(source.ref, "spread")] };
    case 2:
      return { tasks: 1, inputs: [edge(source.ref, "all")] };
    case 3: {
      const others = [source, from(), from()];
      const inputs = others.map((one) => edge(one.ref, "union"));
      return { tasks: others.reduce((sum, one) => sum + one.shards, 0), inputs };
    }
    case 4: {
      const side: InputEdge = edge(from().ref, "all");
      const steps = [{ op: "map", node: 0, side } as const];
      return { tasks: source.shards, inputs: [edge(source.ref, "forward")], steps };
    }
    default: {
      const other = from();
      if (random.chance(2)) {
        const how = random.pick(["inner", "left", "right", "full"] as const);
        const [left, right] = [edge(source.ref, "partition"), edge(other.ref, "partition")];
        return { tasks: shards, head: { kind: "join", node: 0, how, strategy: "hash", left, right } };
      }
      return { tasks: shards, inputs: [edge(source.ref, "partition"), edge(other.ref, "partition")] };
    }
  }
}

/** An exchange, and a group that reads one of its partitions in each task, so that a large one can be divided. */
function skewedGroups(random: Random): GroupOptions[] {
  const tail = random.chance(2) ? { tail: hashTail(4) } : {};
  return [
    { tasks: 2 + random.below(3), tail: hashTail(4) },
    { tasks: 2 + random.below(3), inputs: [edge(0, "partition")], ...tail },
  ];
}

/** A sort of what one of the groups wrote: its rows as sorted runs, and a group that merges ranges of them. */
function sortGroups(random: Random, groups: readonly GroupOptions[]): GroupOptions[] {
  const order: SortOrder = { node: groups.length, by: "row", descending: false };
  const readable = [...groups.keys()].filter((i) => groups[i].tail?.kind !== "runs");
  const from = random.pick(readable);
  const input = edge(groups.length, "range");
  return [
    {
      tasks: groups[from].tasks,
      inputs: [edge(from, "forward")],
      tail: { kind: "runs", order, hasKeyColumn: false },
    },
    {
      tasks: 1 + random.below(4),
      head: { kind: "merge", input, order, hasKeyColumn: false },
      needsCommittedInput: true,
    },
  ];
}

export interface RandomPlanOptions {
  readonly isSkewed: boolean;
  /** At most. */
  readonly groups?: number;
  /** Has some of them sort. */
  readonly sorts?: Random | undefined;
}

/** A plan of a few groups that read each other, or datasets that are there already. */
export function randomPlan(
  random: Random,
  datasets: readonly Dataset[],
  { isSkewed, groups: most = 6, sorts }: RandomPlanOptions,
) {
  const groups: GroupOptions[] = isSkewed && random.chance(2) ? skewedGroups(random) : [];
  const count = groups.length + 1 + random.below(most);
  for (let i = groups.length; i < count; i += 1) {
    const isSource = (i === 0 && datasets.length === 0) || random.chance(4);
    const base = isSource ? { tasks: random.below(6) } : randomInputs(random, groups, datasets);
    const tail = random.chance(3)
      ? hashTail(4)
      : random.chance(6)
        ? ({ kind: "discard" } as const)
        : undefined;
    groups.push(tail === undefined ? base : { ...base, tail });
    if (sorts?.chance(2) === true) groups.push(...sortGroups(sorts, groups));
  }
  const last = groups.length - 1;
  const stored = [...groups.keys()].filter((i) => groups[i].tail?.kind !== "runs");
  const outputs = stored.filter((i) => i === last || random.chance(3));
  const sink = random.chance(3)
    ? groups.push({
        tasks: groups[0].tasks,
        inputs: [edge(0, "forward")],
        tail: { kind: "sink", node: 99 },
      }) - 1
    : -1;
  const all = sink < 0 ? outputs : [...outputs, { node: 99, group: sink, kind: "sink" as const }];
  return { plan: planOf(groups, all), outputs: outputs.map((i) => ({ node: i, shards: groups[i].tasks })) };
}

/** A worker program of some workers. */
export function randomProgram(random: Random, datasets: readonly Dataset[], workers: number) {
  return programOf(random, datasets, 1 + random.below(workers));
}

/** A worker program of so many workers, which reads some of the datasets. */
export function programOf(random: Random, datasets: readonly Dataset[], tasks: number) {
  const inputs = datasets.filter(() => random.chance(2)).map(({ id }) => edge(id, "dealt"));
  const plan = planOf([{ tasks, head: { kind: "worker", node: 0, inputs } }], [0]);
  return { plan, outputs: [{ node: 0, shards: tasks }] };
}
