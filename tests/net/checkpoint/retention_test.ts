/** Copies of a loop of many turns: which are deleted, when, and with how much to look at. */
import { expect, test } from "bun:test";
import type { Batch } from "../../../core/batch/column.ts";
import { CopyFiles } from "../../../net/checkpoint/copy_files.ts";
import type { KnownExecution } from "../../../net/checkpoint/known_execution.ts";
import { Retention } from "../../../net/checkpoint/retention.ts";
import { Scratch } from "../../oracle/checkpoint_program.ts";

const NOTHING: readonly Batch[] = [];
/** Shards of which the copies are empty: a carried dataset, and a small result that the program reads. */
const OUTPUTS = [0, 1].map((node) => ({ node, group: node, shards: [{ rows: 0, bytes: 0 }] }));

class Counted extends CopyFiles {
  listed = 0;

  override list(execution: number): ReturnType<CopyFiles["list"]> {
    this.listed += 1;
    return super.list(execution);
  }
}

async function* none(): AsyncGenerator<Batch> {
  yield* NOTHING;
}

function turnOf(number: number): KnownExecution {
  const totals = { tasks: 1 } as never;
  return {
    id: `e${number}-j`,
    number,
    flow: "turn",
    digest: "",
    graph: { nodes: [] } as never,
    params: new Uint8Array(0),
    past: undefined,
    released: new Set(),
    read: new Set([1]),
    done: { kind: "done", number, totals, outputs: OUTPUTS, sinks: [] },
    isReplayed: false,
    isSubmitted: false,
  };
}

test("a loop of many turns looks at those that are not settled, and deletes what the log on disk makes useless", async () => {
  using scratch = new Scratch();
  const copies = new Counted(scratch.at("copies"));
  let synced = 0;
  const directory = { copies, isKept: true, sync: async () => void synced++ };
  const retention = new Retention(directory);
  const turns = 200;
  let before: KnownExecution | undefined;
  for (let number = 0; number < turns; number++) {
    const known = turnOf(number);
    retention.add(known, number === 0 ? [] : [`${number - 1}.0`]);
    for (const group of [0, 1]) await copies.write({ execution: number, group, shard: 0 }, none(), false);
    await retention.sweep();
    before?.released.add(0);
    before = known;
    const synchronous = synced;
    const sweeping = retention.sweep();
    // Nothing is gone before the log is on disk.
    if (number > 0) expect(copies.list(number - 1).has(0)).toBe(true);
    await sweeping;
    expect(synced - synchronous).toBeLessThanOrEqual(1);
    if (number > 0) expect([...copies.list(number - 1).keys()]).toEqual([1]);
  }
  expect([...copies.list(turns - 1).keys()]).toEqual([0, 1]);
  expect(new CopyFiles(scratch.at("copies")).list(turns - 1)).toEqual(copies.list(turns - 1));
  expect(copies.listed).toBeLessThan(20 * turns);
});
