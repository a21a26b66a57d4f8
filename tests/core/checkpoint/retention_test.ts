import { expect, test } from "bun:test";
import {
  findUseless,
  type RetainedExecution,
  type RetainedOutput,
} from "../../../core/checkpoint/retention.ts";

const output = (given: Partial<RetainedOutput> = {}): RetainedOutput => ({
  node: 0,
  isReleased: false,
  isRead: false,
  isCopied: false,
  ...given,
});

const made = (
  number: number,
  given: Partial<RetainedExecution> & { of?: number[] } = {},
): RetainedExecution => ({
  number,
  isDone: true,
  inputs: (given.of ?? []).map((from) => `${from}.0`),
  outputs: [output()],
  ...given,
});

const uselessOf = (...executions: RetainedExecution[]): string[] => [...findUseless(executions).datasets];

const gone = { outputs: [output({ isReleased: true, isCopied: true })] };

test("findUseless() gives up a turn's copies when a later turn has its own", () => {
  const last = made(2, { of: [1], outputs: [output({ isCopied: true })] });
  expect(uselessOf(made(0, gone), made(1, { ...gone, of: [0] }), last)).toEqual(["1.0", "0.0"]);
});

test("findUseless() keeps the nearest copies of what has none", () => {
  expect(uselessOf(made(0, gone), made(1, { ...gone, of: [0] }), made(2, { of: [1] }))).toEqual(["0.0"]);
  const unmarked = { outputs: [output({ isReleased: true })] };
  expect(uselessOf(made(0, gone), made(1, { ...unmarked, of: [0] }), made(2, { of: [1] }))).toEqual([]);
});

test("findUseless() keeps what an execution reads that is not done", () => {
  const running = made(1, { of: [0], isDone: false, outputs: [] });
  expect(uselessOf(made(0, gone), running)).toEqual([]);
});

test("findUseless() keeps what the program read, as it will read it again", () => {
  const read = made(0, { outputs: [output({ isReleased: true, isRead: true, isCopied: true })] });
  expect(uselessOf(read)).toEqual([]);
  const large = made(1, { of: [0], outputs: [output({ isReleased: true, isRead: true })] });
  expect(uselessOf(made(0, gone), large)).toEqual([]);
});

test("findUseless() tells executions of which nothing is computed again", () => {
  const sink = made(1, { of: [0], outputs: [] });
  expect([...findUseless([made(0, gone), sink]).settled]).toEqual([1, 0]);
});
