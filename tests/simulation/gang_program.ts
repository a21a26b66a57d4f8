/**
 * The worker program of simulated gangs: its members make one sum of what each of them has read, by random operations,
 * which are the same for all members of an execution, and compare what they get.
 */
import type { ProgramContext } from "../../core/exec/program_context.ts";
import type { GangRules } from "./gang_rules.ts";
import { Random } from "./random.ts";
import { add, NO_ROWS, type Rows } from "./rows.ts";

type Value = readonly [rows: number, sum: number];

interface Play {
  readonly ctx: ProgramContext;
  readonly own: Value;
  readonly random: Random;
}

/** Each gives all members the sum of what they have. */
const SUMS: readonly ((play: Play) => Promise<Value>)[] = [
  ({ ctx, own }) => ctx.allReduce(own, together),
  async ({ ctx, own }) => (await ctx.allGather(own)).reduce(together),
  async ({ ctx, own, random }) => {
    const root = random.below(ctx.size);
    return await ctx.broadcast(await ctx.reduce(own, together, root), root);
  },
  async ({ ctx, own, random }) => {
    const root = random.below(ctx.size);
    return await ctx.broadcast((await ctx.gather(own, root))?.reduce(together), root);
  },
  async ({ ctx, own }) => (await ctx.allToAll(ctx.workers.map(() => own))).reduce(together),
  async ({ ctx, own }) => {
    const sums = await ctx.allReduce(Float64Array.from(own), "sum");
    return [sums[0] >>> 0, sums[1] >>> 0];
  },
  ring,
];

export interface GangPlay {
  readonly gang: string;
  readonly ctx: ProgramContext;
  /** Of what this member has read. */
  readonly own: Rows;
  readonly rules: GangRules;
}

/** @returns The rows of all members together. */
export async function playGang({ gang, ctx, own, rules }: GangPlay): Promise<Rows> {
  const random = new Random(ctx.size + [...gang].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7));
  const sums: Value[] = [];
  for (let i = 0; i <= random.below(3); i += 1) {
    if (random.chance(3)) {
      rules.enter(gang, i, ctx.rank);
      await ctx.barrier();
      rules.leave(gang, i);
    }
    sums.push(await random.pick(SUMS)({ ctx, own: [own.rows, own.sum], random }));
  }
  const [[rows, sum]] = sums;
  if (sums.some((other) => `${other}` !== `${[rows, sum]}`))
    throw new Error(`rank ${ctx.rank} of ${gang} got other sums: ${sums.join(" and ")}`);
  return { rows, sum };
}

/** By values from neighbour to neighbour. */
async function ring({ ctx, own }: Play): Promise<Value> {
  let [sum, passed] = [own, own];
  for (let i = 1; i < ctx.size; i += 1) {
    await ctx.send((ctx.rank + 1) % ctx.size, passed);
    passed = await ctx.receive<Value>((ctx.rank + ctx.size - 1) % ctx.size);
    sum = together(sum, passed);
  }
  return sum;
}

function together(a: Value, b: Value): Value {
  const { rows, sum } = [a, b].map(([rows, sum]): Rows => ({ rows, sum })).reduce(add, NO_ROWS);
  return [rows, sum];
}
