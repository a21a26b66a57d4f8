/**
 * What one member may send before the other has taken it.
 */
import { expect, test } from "bun:test";
import type { Letter } from "../../../core/collectives/letter.ts";
import { Member } from "../../../core/collectives/member.ts";

/** Of one byte each; many times as many as a window is to hold. */
const VALUES = 20_000;
/** More than the window of one of 64 members holds of them. */
const MOST = 3_000;

/** Two members of 64 that hand their letters over; those from 0 to 1 are counted. */
function pair() {
  const sent: Letter[] = [];
  const members: Member[] = [0, 1].map(
    (rank) =>
      new Member({
        rank,
        size: 64,
        nameOf: (other) => `rank ${other}`,
        encode: (value) => ({ payload: Uint8Array.of(Number(value)) }),
        decode: ({ payload }) => payload[0],
        post: (to, letter) => {
          if (to === 1) sent.push(letter);
          members[to].deliver(rank, letter);
        },
        later: () => () => undefined,
        signal: new AbortController().signal,
        timeoutMs: 1_000,
      }),
  );
  return { sent, from: members[0], to: members[1] };
}

/** All that can go on without anybody else has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function receiveAll(to: Member): Promise<void> {
  for (let i = 0; i < VALUES; i++) {
    const value = await to.receive(0);
    if (value !== i % 251) throw new Error(`${i} came as ${value}`);
  }
}

test("a sender of tiny values waits for a receiver that does not take them", async () => {
  const { sent, from, to } = pair();
  const sending = (async () => {
    for (let i = 0; i < VALUES; i++) await from.send(1, i % 251);
  })();
  await settled();
  expect(sent.length).toBeGreaterThan(500);
  expect(sent.length).toBeLessThan(MOST);
  await receiveAll(to);
  await sending;
  expect(sent.length).toBe(VALUES);
});

test("sends that are not awaited one by one keep within the window, and their order, when there is room again", async () => {
  const { sent, from, to } = pair();
  const sends = Array.from({ length: 2 * MOST }, (_, i) => from.send(1, i % 251));
  await settled();
  const first = sent.length;
  expect(first).toBeLessThan(MOST);
  for (let i = 0; i < sends.length; i++) {
    if ((await to.receive(0)) !== i % 251) throw new Error(`${i} came late`);
    if (sent.length > i + 1 + MOST) throw new Error(`${sent.length} were sent when ${i} were received`);
  }
  await Promise.all(sends);
});

test("what a member sends to itself comes once, though it had to wait for room", async () => {
  const { from: own } = pair();
  const sends = Array.from({ length: 2 * MOST }, (_, i) => own.send(0, i % 251));
  for (let i = 0; i < sends.length; i++) {
    if ((await own.receive(0)) !== i % 251) throw new Error(`${i} came twice or late`);
  }
  await Promise.all(sends);
});
