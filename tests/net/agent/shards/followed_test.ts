/** What holds the writer of a followed shard back, and for how long. */
import { expect, test } from "bun:test";
import { Followed, type FollowReader } from "../../../../net/agent/shards/followed.ts";
import { soon } from "../../../oracle/until.ts";

const MIB = 2 ** 20;

test("a writer goes on to the next bound at once where a reader stands still, and is held again there", async () => {
  const warnings: string[] = [];
  const followed = new Followed({
    onWarning: (text) => warnings.push(text),
    stallMs: 30,
    needsReader: false,
  });
  let taken = 0;
  const reader: FollowReader = { pendingBytes: (size) => size - taken };
  followed.enter(reader);
  for (let size = 1; size <= 40; size++) await soon("its turn", followed.grew(size * MIB));
  // At 8, 16, 24, 32 and 40 MiB: not with every MiB from the eighth on.
  expect(warnings.length).toBe(5);
  taken = 40 * MIB;
  followed.moved(reader);
  for (let size = 41; size <= 47; size++) await soon("its turn", followed.grew(size * MIB));
  expect(warnings.length).toBe(5);
  await soon("its turn", followed.grew(48 * MIB));
  expect(warnings.length).toBe(6);
});
