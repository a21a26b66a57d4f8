/** The states of a detached driver: which end follows from how its process ended and who wanted it to. */
import { describe, expect, test } from "bun:test";
import { DriverLife, type DriverStop } from "../../../core/agent/driver_life.ts";

const CANCEL: DriverStop = { kind: "cancel", by: "ann" };
const AGENT: DriverStop = { kind: "agent", why: "its agent has ended" };
const exit = (exitCode: number) => ({ exitCode, cause: `exit ${exitCode}` });

function running(): DriverLife {
  const life = new DriverLife("j1", "starting");
  life.seen(1);
  return life;
}

describe("DriverLife", () => {
  test.each([
    [undefined, 0, "succeeded", undefined],
    [undefined, 3, "failed", "exit 3"],
    [CANCEL, 143, "cancelled", "cancelled by ann"],
    [AGENT, 143, "lost", "its agent has ended"],
    // It was done before it heard of it.
    [CANCEL, 0, "succeeded", undefined],
    [AGENT, 0, "succeeded", undefined],
  ] as const)("stopped by %j and exited with %d it is %s", (stop, code, state, cause) => {
    const life = running();
    if (stop !== undefined) expect(life.stop(stop, 2)).toBe(true);
    expect(life.isThere).toBe(true);
    expect(life.exited(exit(code), 3)).toBe(cause);
    expect({ state: life.state, isThere: life.isThere }).toEqual({ state, isThere: false });
    life.forget(4);
    expect(life.state).toBe("forgotten");
  });

  test("is told to end once, by the first who wants it", () => {
    const life = running();
    expect([life.stop(CANCEL, 2), life.stop(AGENT, 3)]).toEqual([true, false]);
    expect(life.exited(exit(1), 4)).toBe("cancelled by ann");
    expect(life.stop(CANCEL, 5)).toBe(false);
  });

  test("starts where it was guarded", () => {
    const life = new DriverLife("j1", "guarded");
    expect(life.isThere).toBe(false);
    expect(life.stop(CANCEL, 1)).toBe(false);
    life.takeOver(2);
    expect(life.state).toBe("starting");
    expect(life.exited(exit(1), 3)).toBe("exit 1");
  });

  test("throws with its story when a state may not follow", () => {
    const life = running();
    life.exited(exit(0), 2);
    expect(() => life.exited(exit(0), 3)).toThrow(/driver j1.*succeeded/s);
    expect(() => life.takeOver(3)).toThrow(/1 running/);
    expect(() => new DriverLife("j2", "guarded").exited(exit(0), 1)).toThrow("j2");
  });
});
