/** The judge of chaos runs itself: it lets nothing through, and scenarios are those of their seeds. */
import { describe, expect, test } from "bun:test";
import type { DriverEnd } from "./driver_process.ts";
import { drawScenario, PHASES, ROLES } from "./scenario.ts";
import { judge, type Outcome } from "./verdict.ts";

const whole = { sha256: "whole", files: 4 };
const part = { sha256: "part", files: 3 };
const done: DriverEnd = { code: 0, signal: null, hung: false, stdout: "", stderr: "", tookMs: 10 };
const failed: DriverEnd = { ...done, code: 1, stderr: "warning: x\nerror: agent a1 is gone\n" };
const killed: DriverEnd = { ...done, code: null, signal: "SIGKILL" };

function verdict(end: DriverEnd, more: Partial<Outcome> = {}): string | undefined {
  const outcome = { end, written: undefined, isKilled: false, mustSucceed: false, names: /agent a\d/ };
  return judge({ ...outcome, ...more }, whole);
}

describe("judge()", () => {
  test("takes the whole output, a failure that names what was struck, and a killed driver", () => {
    expect(verdict(done, { written: whole })).toBeUndefined();
    expect(verdict(failed)).toBeUndefined();
    expect(verdict(killed, { isKilled: true })).toBeUndefined();
    expect(verdict(killed, { isKilled: true, written: whole })).toBeUndefined();
  });

  test.each([
    ["no output of a job that ended well", done, {}, /wrote nothing/],
    ["a part of the output", done, { written: part }, /not that of the undisturbed run/],
    ["a part of it where the driver was killed", killed, { isKilled: true, written: part }, /not that of/],
    ["a hang", { ...killed, hung: true }, { isKilled: true }, /it hangs/],
    ["a failure that need not be", failed, { mustSucceed: true }, /within the bounds: error: agent a1/],
    ["a failure without a line", { ...failed, stderr: "oops\n" }, {}, /no line that says why/],
    ["a failure with another cause", { ...failed, stderr: "error: oops\n" }, {}, /does not name/],
    ["a crash", { ...killed, signal: "SIGSEGV" }, {}, /ended by SIGSEGV/],
  ] as const)("refuses %s", (_, end, more, why) => {
    expect(verdict(end, more)).toMatch(why);
  });
});

test("drawScenario() gives the same for the same seed, and kills and stops each role in each phase in turn", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 2 * ROLES.length * PHASES.length; seed++) {
    const { faults } = drawScenario(seed);
    expect(drawScenario(seed).faults).toEqual(faults);
    const [{ act, role, phase }] = faults;
    seen.add(`${act} ${role} ${phase}`);
  }
  expect(seen.size).toBe(2 * ROLES.length * PHASES.length);
});
