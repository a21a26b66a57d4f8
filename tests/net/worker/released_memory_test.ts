/** When garbage is collected in the midst of an attempt, with a fake clock. */
import { expect, test } from "bun:test";
import { PassedMemory, ReleasedMemory } from "../../../net/worker/released_memory.ts";

const MIB = 2 ** 20;

function clocked(collectMs: number) {
  const clock = { now: 1000, collections: 0 };
  const collect = () => {
    clock.collections++;
    clock.now += collectMs;
  };
  return { clock, released: new ReleasedMemory(collect, () => clock.now) };
}

test("ReleasedMemory.add() collects when enough has come together, and begins anew", () => {
  const { clock, released } = clocked(0);
  for (let i = 1; i <= 31; i++) released.add(MIB);
  expect(clock.collections).toBe(1);
  released.add(MIB);
  expect(clock.collections).toBe(2);
});

test("ReleasedMemory.add() spends half of the time at most when collecting takes long", () => {
  const { clock, released } = clocked(200);
  const start = clock.now;
  for (let i = 0; i < 1000; i++) {
    released.add(100 * MIB);
    clock.now += 20;
  }
  const share = (clock.collections * 200) / (clock.now - start);
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThanOrEqual(0.5);
});

/** How often it collects while attempts pass bytes by which the process grows, or does not. */
function collections(count: number, bytes: number, memoryBytes: number, grownBytes = memoryBytes): number {
  let [collected, used] = [0, 100 * MIB];
  const passed = new PassedMemory(
    () => used,
    () => {
      collected++;
      used = 100 * MIB;
    },
  );
  for (let i = 0; i < count; i++) {
    used += grownBytes;
    passed.add(bytes, memoryBytes);
  }
  return collected;
}

test("PassedMemory.add() waits for more where there is plenty of memory, and begins anew", () => {
  expect(collections(100, MIB, 32 * MIB)).toBe(12);
  expect(collections(100, MIB, 320 * MIB)).toBe(5);
  expect(collections(200, MIB, 2 ** 40)).toBe(3);
  expect(collections(10, 9 * MIB, 32 * MIB)).toBe(10);
});

test("PassedMemory.add() collects only when the process has grown by an eighth of its budget", () => {
  expect(collections(100, 100 * MIB, 320 * MIB, 0)).toBe(0);
  expect(collections(100, 100 * MIB, 320 * MIB, 4 * MIB)).toBe(10);
  expect(collections(100, 100 * MIB, 320 * MIB, 40 * MIB)).toBe(100);
});
