/** Times as people write and read them, and words that they may have meant. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../../core/program/duration.ts";
import { similarWord } from "../../../core/program/similar.ts";

test.each([
  ["2s", 2_000],
  ["500ms", 500],
  ["1m30s", 90_000],
  ["1 h 5 min", 3_900_000],
  ["0.5s", 500],
  ["", undefined],
  ["2", undefined],
  ["s", undefined],
  ["2s 3", undefined],
  ["-2s", undefined],
  ["2 weeks", undefined],
])("parseDuration(%j) is %p", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [12_345, "12 s"],
  [60_000, "1 min"],
  [3_725_000, "1 h 2 min"],
  [90_000_000, "1 d 1 h"],
])("formatDuration(%p) is %j", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("similarWord() finds the word that a slip of the hand makes of it", () => {
  const words = ["--workers", "--memory", "--master", "--data-dir"];
  expect(similarWord("--wrokers", words)).toBe("--workers");
  expect(similarWord("--masters", words)).toBe("--master");
  expect(similarWord("--datadir", words)).toBe("--data-dir");
  expect(similarWord("--quux", words)).toBeUndefined();
  expect(similarWord("x", [])).toBeUndefined();
});

test("similarWord() finds a word with any letter missing", () => {
  const word = "jobs-and-logs";
  fc.assert(
    fc.property(fc.nat(word.length - 1), (at) => {
      expect(similarWord(word.slice(0, at) + word.slice(at + 1), ["status", word, "cancel"])).toBe(word);
    }),
  );
});
