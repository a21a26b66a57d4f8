import { describe, expect, test } from "bun:test";
import { Admission, type Sending } from "../../../core/messages/admission.ts";
import { Lane } from "../../../core/messages/lane.ts";
import { bodyOf } from "../../../core/messages/letter.ts";
import { randomNumbers } from "../../simulation/random.ts";

const SEED = Number(process.env.LUCIOLE_SEED ?? 1);
const BOUNDS = { letters: 2, bytes: 10_000 };

function openLanes(count: number): Lane[] {
  return Array.from({ length: count }, (_, i) => {
    const lane = new Lane(`worker ${i}`, BOUNDS);
    lane.apply({ kind: "joined", life: "a" }, 0);
    return lane;
  });
}

const sending = (n: number, lanes: readonly Lane[], isBroadcast = false): Sending => ({
  letter: new Uint8Array([n, n >> 8]),
  lanes,
  isBroadcast,
});

/** Hears the first letters of a lane; returns their numbers. */
function hear(lane: Lane, all: Map<Lane, number[]>, count: number, isUnheard = false): void {
  const heard = all.get(lane) ?? [];
  all.set(lane, heard);
  for (let frame = lane.take(1); frame !== undefined; frame = lane.take(1)) {
    heard.push(...frame.letters.map((letter) => bodyOf(letter)[0] + 256 * bodyOf(letter)[1]));
  }
  const total = heard.length;
  const done = Math.min(total, total - lane.waiting + count);
  const receipt = { life: "a", received: total, heard: done, ...(isUnheard && { isUnheard: true as const }) };
  lane.apply({ kind: "receipt", receipt }, 0);
}

describe("Admission", () => {
  test("send() lets a message for several in when all have room, and keeps those behind it in order", () => {
    const [a, b] = openLanes(2);
    const heard = new Map<Lane, number[]>();
    const admission = new Admission<Sending>();
    const send = (n: number, lanes: Lane[]) => admission.send(sending(n, lanes), 0).accepted.length;
    expect([send(1, [a]), send(2, [a]), send(3, [a, b]), send(4, [b]), send(5, [a])]).toEqual([
      1, 1, 0, 0, 0,
    ]);
    expect(b.waiting).toBe(0);
    hear(a, heard, 1);
    expect(admission.changed(a, 0).accepted.length).toBe(2);
    hear(a, heard, 2);
    hear(b, heard, 2);
    expect(admission.changed(a, 0).accepted.length).toBe(1);
    hear(a, heard, 2);
    expect(heard.get(a)).toEqual([1, 2, 3, 5]);
    expect(heard.get(b)).toEqual([3, 4]);
  });

  test("M3: changed() refuses a message for several when one has left, and a broadcast goes to those who are there", () => {
    const [a, b, c] = openLanes(3);
    const heard = new Map<Lane, number[]>();
    const admission = new Admission<Sending>();
    for (const n of [1, 2]) admission.send(sending(n, [a]), 0);
    admission.send(sending(3, [a, b]), 0);
    admission.send(sending(4, [a, b, c], true), 0);
    b.apply({ kind: "left", cause: "it crashed" }, 1);
    const { refused } = admission.changed(b, 1);
    expect(refused.map(({ why }) => why)).toEqual(["worker 1 is gone: it crashed"]);
    expect(c.waiting).toBe(0);
    hear(a, heard, 2);
    expect(admission.changed(a, 1).accepted.length).toBe(1);
    hear(a, heard, 1);
    hear(c, heard, 1);
    expect([heard.get(a), heard.get(c)]).toEqual([[1, 2, 4], [4]]);
  });

  test("refuses what waits for a lane where nobody listens, with none of it anywhere", () => {
    const [a, b] = openLanes(2);
    const heard = new Map<Lane, number[]>();
    const admission = new Admission<Sending>();
    for (const n of [1, 2]) admission.send(sending(n, [a]), 0);
    admission.send(sending(3, [a, b], true), 0);
    hear(a, heard, 0, true);
    const why = "2 messages wait at worker 0, and nobody listens there";
    expect(admission.changed(a, 0).refused.map((each) => each.why)).toEqual([why]);
    expect(admission.send(sending(4, [b, a]), 0).refused.map((each) => each.why)).toEqual([why]);
    expect(b.waiting).toBe(0);
  });

  test("send() refuses more than may wait", () => {
    const [a] = openLanes(1);
    const admission = new Admission<Sending>();
    const letter = new Uint8Array(20_000_000);
    const sent = [1, 2, 3, 4, 5].map(() => admission.send({ letter, lanes: [a], isBroadcast: false }, 0));
    expect(sent.map(({ refused }) => refused.length)).toEqual([0, 0, 0, 0, 1]);
    expect(sent[4].refused[0].why).toContain("3 messages (57 MiB) wait for worker 0 already");
  });

  test("close() refuses all that waits, each once", () => {
    const lanes = openLanes(2);
    const admission = new Admission<Sending>();
    for (const n of [1, 2, 3, 4]) admission.send(sending(n, lanes), 0);
    expect(admission.close("the end").refused.map(({ why }) => why)).toEqual(["the end", "the end"]);
    expect(admission.waiting).toBe(0);
  });

  test("whatever the order of sends, hearings and losses, each lane hears its messages in order, and all or none", () => {
    for (let seed = SEED; seed < SEED + 200; seed++) {
      const random = randomNumbers(seed);
      const lanes = openLanes(4);
      const heard = new Map<Lane, number[]>();
      const admission = new Admission<Sending>();
      const accepted = new Map<number, readonly Lane[]>();
      const refused = new Set<number>();
      const numberOf = ({ letter }: Sending) => bodyOf(letter)[0] + 256 * bodyOf(letter)[1];
      const note = (decisions: ReturnType<typeof admission.send>) => {
        for (const each of decisions.accepted) accepted.set(numberOf(each), each.lanes);
        for (const each of decisions.refused) refused.add(numberOf(each.sending));
      };
      for (let n = 0; n < 120; n++) {
        const isBroadcast = random() < 0.2;
        const chosen = lanes.filter((lane) => (isBroadcast ? lane.state !== "gone" : random() < 0.4));
        if (chosen.length > 0) note(admission.send(sending(n, chosen, isBroadcast), n));
        const lane = lanes[Math.floor(random() * lanes.length)];
        if (lane.state === "gone") continue;
        if (random() < 0.01) lane.apply({ kind: "left", cause: "it went" }, n);
        else hear(lane, heard, Math.floor(random() * 3));
        note(admission.changed(lane, n));
        for (const each of lanes) each.check();
      }
      for (let turn = 0; admission.waiting > 0 && turn < 1000; turn++) {
        for (const lane of lanes) {
          if (lane.state !== "gone") hear(lane, heard, 2);
          note(admission.changed(lane, turn));
        }
      }
      for (const lane of lanes) if (lane.state !== "gone") hear(lane, heard, 2);
      expect({ seed, waiting: admission.waiting }).toEqual({ seed, waiting: 0 });
      for (const lane of lanes.filter(({ state }) => state !== "gone")) {
        const expected = [...accepted].filter(([, to]) => to.includes(lane)).map(([n]) => n);
        expect({ seed, heard: heard.get(lane) ?? [] }).toEqual({
          seed,
          heard: expected.sort((x, y) => x - y),
        });
      }
      for (const n of refused) expect(accepted.has(n)).toBe(false);
    }
  });
});
