import { describe, expect, test } from "bun:test";
import { Lane } from "../../../core/messages/lane.ts";
import type { Letter } from "../../../core/messages/letter.ts";

const letter = (n: number): Letter => new Uint8Array([n]);

function open(letters: number, bounds = { letters: 4, bytes: 10_000 }): Lane {
  const lane = new Lane("worker 3", bounds);
  lane.apply({ kind: "joined", life: "a" }, 0);
  for (let n = 0; n < letters; n++) lane.apply({ kind: "posted", letter: letter(n) }, 0);
  return lane;
}

function receipt(received: number, heard: number, isUnheard?: true) {
  return {
    kind: "receipt",
    receipt: { life: "a", received, heard, ...(isUnheard && { isUnheard }) },
  } as const;
}

describe("Lane", () => {
  test("apply() keeps letters for a process that is not there yet", () => {
    const lane = new Lane("worker 3");
    expect(lane.apply({ kind: "posted", letter: letter(0) }, 0)).toEqual([]);
    expect(lane.take(1000)).toBeUndefined();
    expect(lane.apply({ kind: "joined", life: "a" }, 1)).toEqual(["send"]);
    expect(lane.take(1000)).toEqual({ life: "a", base: 0, first: 0, letters: [letter(0)] });
    lane.check();
  });

  test("take() cuts frames at a size, and takes one letter of any size", () => {
    const lane = open(0);
    lane.apply({ kind: "posted", letter: new Uint8Array(500) }, 0);
    lane.apply({ kind: "posted", letter: letter(1) }, 0);
    lane.apply({ kind: "posted", letter: letter(2) }, 0);
    expect(lane.take(140)).toMatchObject({ first: 0, letters: [{ length: 500 }] });
    expect(lane.take(140)).toMatchObject({ first: 1, letters: [letter(1), letter(2)] });
    expect(lane.take(140)).toBeUndefined();
  });

  test("hasRoom tells of letters and of bytes that nobody has heard", () => {
    expect(open(3).hasRoom).toBe(true);
    const full = open(4);
    expect(full.hasRoom).toBe(false);
    full.take(1000);
    expect(full.apply(receipt(4, 0), 1)).toEqual([]);
    expect(full.hasRoom).toBe(false);
    expect(full.apply(receipt(4, 2), 1)).toEqual(["room"]);
    expect(full.hasRoom).toBe(true);
    expect(open(3, { letters: 100, bytes: 150 }).hasRoom).toBe(false);
  });

  test("apply() of broken sends again what may not have arrived, and nothing else", () => {
    const lane = open(4);
    lane.take(1000);
    expect(lane.apply(receipt(2, 1), 1)).toEqual(["room"]);
    expect(lane.apply({ kind: "broken" }, 2)).toEqual(["send"]);
    expect(lane.take(1000)).toMatchObject({ base: 0, first: 2, letters: [letter(2), letter(3)] });
    expect(lane.apply(receipt(4, 1), 3)).toEqual([]);
    expect(lane.apply({ kind: "broken" }, 4)).toEqual([]);
  });

  test("apply() of joined begins another life with what was not heard", () => {
    const lane = open(4);
    lane.take(1000);
    lane.apply(receipt(4, 2), 1);
    lane.apply({ kind: "exited" }, 2);
    expect(lane.state).toBe("absent");
    expect(lane.apply({ kind: "joined", life: "b" }, 3)).toEqual(["send"]);
    expect(lane.take(1000)).toEqual({ life: "b", base: 2, first: 2, letters: [letter(2), letter(3)] });
    // The old process is heard late.
    expect(lane.apply(receipt(4, 4), 4)).toEqual([]);
    expect(lane.waiting).toBe(2);
  });

  test("apply() passes over receipts that are late, of another life, or of what was never sent", () => {
    const lane = open(4);
    lane.take(1000);
    lane.apply(receipt(3, 2), 1);
    for (const late of [receipt(2, 1), receipt(2, 2), receipt(9, 9), receipt(3, 4)]) {
      expect(lane.apply(late, 2)).toEqual([]);
      lane.check();
    }
    expect(lane.waiting).toBe(2);
  });

  test("apply() tells that nobody listens, until somebody does", () => {
    const lane = open(4);
    lane.take(1000);
    expect(lane.apply(receipt(4, 0, true), 1)).toEqual(["refuse"]);
    expect(lane.state).toBe("unheard");
    expect(lane.apply(receipt(4, 1), 2)).toEqual(["room"]);
    expect(lane.state).toBe("open");
  });

  test("apply() of left drops what waits, once and for all", () => {
    const lane = open(4);
    expect(lane.apply({ kind: "left", cause: "agent a1 is gone" }, 1)).toEqual(["refuse"]);
    expect(lane.waiting).toBe(0);
    expect(lane.cause).toBe("agent a1 is gone");
    expect(lane.apply({ kind: "joined", life: "b" }, 2)).toEqual([]);
    expect(lane.take(1000)).toBeUndefined();
    const post = () => lane.apply({ kind: "posted", letter: letter(9) }, 3);
    expect(post).toThrow(
      "Cannot post to worker 3: it is gone: agent a1 is gone; its story: 0 open a; 1 gone",
    );
  });
});
