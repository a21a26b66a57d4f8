/** Which lines of a worker are shown, and when. */
import { expect, test } from "bun:test";
import { OutputHold } from "../../../../net/agent/workers/output_hold.ts";

const RULE = "=".repeat(60);

function hold(): { readonly output: OutputHold; readonly shown: string[] } {
  const shown: string[] = [];
  return { output: new OutputHold((line) => shown.push(line)), shown };
}

test("OutputHold shows what was printed at the start once the worker asks for work, and never when it does not", () => {
  const { output, shown } = hold();
  output.line("a");
  expect(shown).toEqual([]);
  output.started();
  output.line("b");
  expect(shown).toEqual(["a", "b"]);

  const dead = hold();
  dead.output.line("error: no start");
  dead.output.ended();
  expect(dead.shown).toEqual([]);
});

test("OutputHold keeps the report of a crash when the program goes on, and ends its attempt, while it comes", () => {
  const { output, shown } = hold();
  output.started();
  output.line("mine");
  for (const line of [RULE, "Bun v1.4.5 (a7733435c) Linux x64", "panic: Segmentation fault"])
    output.line(line);
  output.started();
  output.line("oh no: Bun has crashed.");
  output.ended();
  expect(shown).toEqual(["mine"]);
});

test("OutputHold shows a rule of the program's with the next line, the next attempt or the end", () => {
  const { output, shown } = hold();
  output.started();
  output.line(RULE);
  expect(shown).toEqual([]);
  output.line(RULE);
  expect(shown).toEqual([RULE]);
  output.started();
  expect(shown).toEqual([RULE, RULE]);
  output.line(RULE);
  output.ended();
  expect(shown).toEqual([RULE, RULE, RULE]);
});

test("OutputHold shows what is too long for a report", () => {
  const { output, shown } = hold();
  output.started();
  const lines = ["ASSERTION FAILED: mine", ...Array.from({ length: 250 }, (_, i) => `line ${i}`)];
  for (const line of lines) output.line(line);
  expect(shown).toEqual(lines);
});
