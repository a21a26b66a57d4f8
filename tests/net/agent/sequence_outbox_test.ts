/** Items for one reader after the other: none is lost where a connection breaks, none comes twice. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SequenceOutbox } from "../../../net/agent/sequence_outbox.ts";
import { readSequence } from "../../../net/cbor_sequence.ts";

/** Reads so many items and leaves. */
async function take(outbox: SequenceOutbox<number>, count: number, after?: number): Promise<number[]> {
  const items: number[] = [];
  if (count === 0) return items;
  for await (const item of readSequence(outbox.open(after))) {
    items.push(item as number);
    if (items.length === count) break;
  }
  return items;
}

describe("SequenceOutbox", () => {
  test("open() goes on after the items that a reader has, once they are kept", async () => {
    const outbox = new SequenceOutbox<number>({ isKept: true });
    for (let i = 0; i < 6; i++) outbox.push(i);
    expect(await take(outbox, 4)).toEqual([0, 1, 2, 3]);
    // It was given more than it saw.
    expect(await take(outbox, 3, 2)).toEqual([2, 3, 4]);
    outbox.acknowledge(4);
    expect(() => outbox.open(3)).toThrow("Cannot go on after item 3: a reader may go on after 4 to 6");
    expect(() => outbox.acknowledge(7)).toThrow("Cannot have given 7 items: there were 6");
    expect(() => outbox.open(7)).toThrow("Cannot go on after item 7");
    outbox.end();
    expect(await take(outbox, 9, 4)).toEqual([4, 5]);
  });

  test("hasRoom counts what a reader has taken and not told to have, by number and by weight", async () => {
    const outbox = new SequenceOutbox<number>({ isKept: true, weigh: (item) => item });
    const mib = 2 ** 20;
    outbox.push(20 * mib);
    expect(await take(outbox, 1)).toEqual([20 * mib]);
    expect(outbox.hasRoom).toBe(true);
    outbox.push(12 * mib);
    expect(outbox.hasRoom).toBe(false);
    outbox.acknowledge(1);
    expect(outbox.hasRoom).toBe(true);
    for (let i = 0; i < 49_998; i++) outbox.push(0);
    expect(outbox.hasRoom).toBe(true);
    outbox.push(0);
    expect(outbox.hasRoom).toBe(false);
  });

  test("open() gives each item once when they are not kept", async () => {
    const outbox = new SequenceOutbox<number>();
    for (let i = 0; i < 3; i++) outbox.push(i);
    expect(await take(outbox, 3)).toEqual([0, 1, 2]);
    outbox.push(3);
    outbox.end();
    expect(await take(outbox, 9)).toEqual([3]);
  });

  test("readers that break off at random places have all items in order in the end", async () => {
    const story = fc.array(fc.record({ pushed: fc.nat(5), read: fc.nat(7), isTold: fc.boolean() }), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        const outbox = new SequenceOutbox<number>({ isKept: true });
        const seen: number[] = [];
        let pushed = 0;
        for (const { pushed: count, read, isTold } of steps) {
          for (let i = 0; i < count; i++) outbox.push(pushed++);
          seen.push(...(await take(outbox, Math.min(read, pushed - seen.length), seen.length)));
          if (isTold) outbox.acknowledge(seen.length);
        }
        outbox.end();
        seen.push(...(await take(outbox, Number.POSITIVE_INFINITY, seen.length)));
        expect(seen).toEqual(Array.from({ length: pushed }, (_, i) => i));
      }),
    );
  });
});
