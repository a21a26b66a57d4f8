/** G2: the examples on records and numbers, as processes, against plain loops. */
import { afterAll, describe, expect, test } from "bun:test";
import { compareText, countsOf, SEED, seededRandom } from "./inputs.ts";
import { Sandbox } from "./sandbox.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox[Symbol.dispose]());

const random = seededRandom(SEED);

/** Puts an array in random order, in place (Fisher and Yates). */
function shuffle<T>(values: T[]): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [values[i], values[j]] = [values[j], values[i]];
  }
  return values;
}

describe(`G2 records, seed ${SEED}`, () => {
  test("stack_analysis folds the frames of each sample, in any order of lines", async () => {
    const functions = ["main", "parse", "read", "write", "sort::compare"];
    const stacks = Array.from({ length: 120 }, () => [
      "main",
      ...Array.from({ length: random(4) }, () => functions[random(functions.length)]),
    ]);
    const frames = stacks.flatMap((stack, i) => stack.map((name, depth) => `s${i} ${depth} ${name}`));
    sandbox.write("samples.txt", shuffle(frames).join("\n"));
    const folded = [...countsOf(stacks.map((stack) => stack.join(";")))];
    const onTop = [...countsOf(stacks.map((stack) => stack[stack.length - 1]))];
    folded.sort(([a], [b]) => compareText(a, b));
    onTop.sort(([a, m], [b, n]) => n - m || compareText(a, b));
    expect(await sandbox.run("stack_analysis", ["samples.txt"])).toEqual([
      ...folded.map(([stack, count]) => `${stack} ${count}`),
      "",
      ...onTop.map(([name, count]) => `${count}\t${name}`),
    ]);
  }, 60_000);

  test.each(["0", "3"])(
    "cogroup_filter keeps customers with at least %s orders",
    async (least) => {
      const customers = Array.from({ length: 40 }, (_, i) => ({ id: `${i * 7}`, name: `Name "${i}", Ltd` }));
      const orders = Array.from({ length: 120 }, () => ({
        customer: `${random(45) * 7}`,
        amount: random(1000) / 4,
      }));
      const quoted = customers.map(({ id, name }) => `${id},"${name.replaceAll('"', '""')}"`);
      sandbox.write("customers.csv", ["id,name", ...quoted].join("\n"));
      const amounts = orders.map(({ customer, amount }) => `${customer},${amount}`);
      sandbox.write("orders.csv", ["customer,amount", ...amounts].join("\r\n"));
      const expected = customers
        .map(({ id, name }) => ({
          id,
          name,
          own: orders.filter(({ customer }) => customer === id).map(({ amount }) => amount),
        }))
        .filter(({ own }) => own.length >= Number(least))
        .sort((a, b) => compareText(a.id, b.id))
        .map(({ id, name, own }) => [id, name, own.length, own.reduce((a, b) => a + b, 0)].join("\t"));
      expect(expected.length).toBeGreaterThan(0);
      expect(await sandbox.run("cogroup_filter", ["customers.csv", "orders.csv", least])).toEqual(expected);
    },
    60_000,
  );

  test("chained_maps fuses seven maps into one group and adds up", async () => {
    let sum = 0;
    for (let row = 0; row < 5000; row++) {
      const n = ((row + 1) * 2 - 1) % 1000;
      sum += (n * n - n) / 2;
    }
    const printed = await sandbox.run("chained_maps", ["5000", "5"], { workers: 3 });
    expect(printed[printed.length - 1]).toBe(`sum\t${sum}`);
    const groups = printed.join("\n").split(/^Group /m);
    expect(groups.filter((group) => /^\s+map\b/m.test(group)).length).toBe(1);
    expect(groups[2]).toStartWith("1: 5 tasks");
    expect(groups[2].match(/^\s+map\b/gm)?.length).toBe(7);
  }, 60_000);

  test("pi gives the same estimate on any number of workers, and is near pi", async () => {
    const [one] = await sandbox.run("pi", ["200000", "8"], { workers: 1 });
    const [many] = await sandbox.run("pi", ["200000", "8"], { workers: 4, isByExecutable: true });
    expect(many).toBe(one);
    const estimate = Number(one.replace("pi is about ", ""));
    // Five standard deviations.
    expect(Math.abs(estimate - Math.PI)).toBeLessThan((5 * 1.65) / Math.sqrt(200_000));
  }, 60_000);
});
