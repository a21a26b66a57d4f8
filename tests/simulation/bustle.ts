/**
 * What happens in a simulated job beside its executions: messages, and workers that come and go.
 */
import type { DriverNode } from "./driver_node.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

export interface BustleOptions {
  readonly driver: DriverNode;
  /** Has workers come and go. */
  readonly scales: Random | undefined;
  /** Later, unless the program has come further. */
  readonly later: (ms: number, act: () => void) => void;
}

export function bustle({ driver, scales, later }: BustleOptions, world: World): void {
  const { mails } = world;
  if (mails !== undefined) {
    for (let count = mails.below(12); count > 0; count -= 1)
      later(mails.below(300), () => send(driver, mails));
    if (mails.chance(2)) later(mails.below(200), () => shrink(driver, mails));
  }
  if (scales === undefined) return;
  if (scales.chance(2)) later(scales.below(100), () => adapt(driver, scales, world));
  for (let count = scales.below(4); count > 0; count -= 1)
    later(scales.below(300), () => scale(driver, scales));
}

function send({ workers, crew }: DriverNode, mails: Random): void {
  if (mails.chance(2) || workers.length === 0) crew.send();
  else crew.send(mails.pick(workers));
}

function shrink(driver: DriverNode, mails: Random): void {
  const { workers } = driver;
  if (workers.length < 2) return;
  const left = workers.slice(1).filter(() => mails.chance(2));
  if (left.length > 0) driver.shrink(left, mails.pick([0, 5, 200, 5_000]));
}

function scale({ scaling }: DriverNode, scales: Random): void {
  if (scales.chance(2)) scaling.up(1 + scales.below(3));
  else scaling.down(1 + scales.below(2), scales.pick([0, 5, 200, 5_000]));
}

function adapt({ scaling }: DriverNode, scales: Random, { timeline }: World): void {
  const min = 1 + scales.below(2);
  const bounds = { min, max: min + scales.below(5) };
  const times = { upAfterMs: scales.pick([0, 300, 1_000]), downAfterMs: scales.pick([300, 1_000, 30_000]) };
  scaling.adapt({ ...bounds, ...times }, timeline.now + scales.pick([2_000, 5_000]));
}
