/** Which error ends a program with which exit code. */
import { expect, test } from "bun:test";
import { CancelledError, LucioleError, TaskError } from "../../../core/errors.ts";
import { EXIT, EXIT_MEANINGS, exitCodeOf } from "../../../core/program/exit_codes.ts";

test("exitCodeOf() follows the cause chain to the innermost error with a code of its own", () => {
  const missing = new LucioleError("input-missing", 'Cannot read "x": no file matches');
  expect(exitCodeOf(missing)).toBe(EXIT.input);
  expect(exitCodeOf(new LucioleError("input-unreadable", "x"))).toBe(EXIT.input);
  expect(exitCodeOf(new TaskError("Cannot run step", { cause: missing }))).toBe(EXIT.input);
  expect(exitCodeOf(new LucioleError("usage", "x", { cause: new TypeError("y") }))).toBe(EXIT.usage);
});

test("exitCodeOf() is 1 when nothing else is known", () => {
  for (const thrown of [
    new Error("x"),
    "text",
    undefined,
    new TaskError("x"),
    // Only a signal is an interruption; a program may cancel what it started itself.
    new CancelledError("x"),
    new LucioleError("constructor", "x"),
  ]) {
    expect(exitCodeOf(thrown)).toBe(EXIT.failed);
  }
  const loop = new Error("loop");
  loop.cause = loop;
  expect(exitCodeOf(loop)).toBe(EXIT.failed);
});

test("EXIT_MEANINGS explains every code once", () => {
  expect(EXIT_MEANINGS.map(([code]) => code)).toEqual(Object.values(EXIT));
});
