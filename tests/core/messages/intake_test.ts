import { expect, test } from "bun:test";
import { Intake } from "../../../core/messages/intake.ts";
import type { Frame } from "../../../core/messages/letter.ts";

/** Letters that say their own numbers. */
function frame(life: string, base: number, first: number, count: number): Frame {
  return { life, base, first, letters: Array.from({ length: count }, (_, i) => new Uint8Array([first + i])) };
}

const taken = (intake: Intake, sent: Frame) => intake.take(sent).map((letter) => (letter as Uint8Array)[0]);

test("M6: take() gives nothing of what was sent to an earlier life, which says nothing of where this one begins", () => {
  const intake = new Intake("b");
  expect(taken(intake, frame("a", 0, 0, 3))).toEqual([]);
  expect(intake.receipt(false)).toBeUndefined();
  expect(taken(intake, frame("b", 2, 2, 2))).toEqual([2, 3]);
  expect(taken(intake, frame("a", 0, 4, 1))).toEqual([]);
  expect(intake.receipt(false)).toEqual({ life: "b", received: 4, heard: 2 });
});

test("M2: take() gives what came before others once these are there, and nothing twice", () => {
  const intake = new Intake("a");
  expect(taken(intake, frame("a", 5, 7, 2))).toEqual([]);
  expect(taken(intake, frame("a", 5, 5, 1))).toEqual([5]);
  expect(taken(intake, frame("a", 5, 5, 3))).toEqual([6, 7, 8]);
  expect(taken(intake, frame("a", 5, 7, 2))).toEqual([]);
});

test("heard() refuses more than was given out, and less than was heard", () => {
  const intake = new Intake("a");
  taken(intake, frame("a", 5, 5, 3));
  intake.heard(2);
  expect(intake.receipt(true)).toEqual({ life: "a", received: 8, heard: 7, isUnheard: true });
  expect(() => intake.heard(4)).toThrow("Cannot have heard letters up to 9");
  expect(() => intake.heard(1)).toThrow("Cannot have heard letters up to 6");
});
