/** Small shards of the agent's memory: asked for many at a time, each given to whoever reads it. */
import { expect, test } from "bun:test";
import type { BatchReader } from "../../../core/exec/ports.ts";
import type { ShardPiece, TaskInput } from "../../../core/plan/physical.ts";
import type { HeldPiece } from "../../../net/protocol.ts";
import { HeldPieces } from "../../../net/worker/held_pieces.ts";
import { numberItem, numbersOf } from "../store/fixtures.ts";

const piece = (n: number): ShardPiece => {
  return { agent: "a", attempt: `t${n}`, partition: -1, isCommitted: true, held: "ask" };
};

/** An agent that has t0 to t9 and answers with `most` at a time. */
function agent(most: number) {
  const asked: string[][] = [];
  const ask = async (pieces: readonly HeldPiece[]) => {
    asked.push(pieces.map(({ attempt }) => attempt));
    return pieces.slice(0, most).map(({ attempt }) => {
      const n = Number(attempt.slice(1));
      return n < 10 ? numberItem([n, n + 100]) : null;
    });
  };
  return { asked, ask };
}

function input(...edges: readonly (readonly number[])[]): TaskInput {
  return { pieces: edges.map((edge) => edge.map(piece)), sides: {} };
}

async function rows(reader: BatchReader): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    found.push(...numbersOf(batch));
  }
  return found;
}

test("HeldPieces asks once for what fits in an answer", async () => {
  const { asked, ask } = agent(2);
  const pieces = new HeldPieces(input([0, 1, 2, 3, 4]), ask);
  for (let n = 0; n < 5; n++) expect(await rows(pieces.read(piece(n)))).toEqual([n, n + 100]);
  expect(asked).toEqual([["t0", "t1", "t2", "t3", "t4"], ["t2", "t3", "t4"], ["t4"]]);
});

test("HeldPieces gives the same shard to both of its readers, and all at a time", async () => {
  const { ask } = agent(3);
  const pieces = new HeldPieces(input([0, 1, 2, 3], [0, 1, 2, 3]), ask);
  const readers = [0, 1, 2, 3, 0, 1, 2, 3].map((n) => rows(pieces.read(piece(n))));
  const expected = [0, 1, 2, 3, 0, 1, 2, 3].map((n) => [n, n + 100]);
  expect(await Promise.all(readers)).toEqual(expected);
});

test("HeldPieces tells what is not there as a lost shard, and gives nothing once it is closed", async () => {
  const pieces = new HeldPieces(input([9, 10]), agent(5).ask);
  expect(await rows(pieces.read(piece(9)))).toEqual([9, 109]);
  await expect(rows(pieces.read(piece(10)))).rejects.toThrow(
    "Cannot read shard t10: its agent does not have it",
  );
  const none = new HeldPieces(input([1]), agent(0).ask);
  await expect(rows(none.read(piece(1)))).rejects.toThrow("Cannot read shard t1");
  const closed = new HeldPieces(input([1]), agent(1).ask).read(piece(1));
  closed.close();
  expect(await closed.next()).toBeUndefined();
});
