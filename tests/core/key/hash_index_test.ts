import { describe, expect, test } from "bun:test";
import { HashIndex } from "../../../core/key/hash_index.ts";

describe("HashIndex", () => {
  test("slotOf() spreads hashes that have the same low bits, as those of one partition have", () => {
    const index = new HashIndex();
    const slots = new Set(Array.from({ length: 32 }, (_, i) => index.slotOf(i * 4096 + 5)));
    expect(slots.size).toBeGreaterThan(16);
    for (const slot of slots) expect(slot).toBeLessThanOrEqual(index.mask);
  });

  test("insert() keeps every entry in reach of its hash when the table grows", () => {
    const index = new HashIndex();
    const hashes = Array.from(
      { length: 5000 },
      (_, i) => Math.imul(i, 0x85ebca6b) >>> (i % 3 === 0 ? 16 : 0),
    );
    for (const hash of hashes) index.insert(freeSlot(index, hash), hash);
    expect(index.size).toBe(hashes.length);
    hashes.forEach((hash, entry) => {
      expect(index.hashes[entry]).toBe(hash);
      expect(entriesOf(index, hash)).toContain(entry);
    });
  });
});

function freeSlot(index: HashIndex, hash: number): number {
  let slot = index.slotOf(hash);
  while (index.table[2 * slot + 1] !== 0) slot = (slot + 1) & index.mask;
  return slot;
}

/** Entries that probing for a hash meets. */
function entriesOf(index: HashIndex, hash: number): number[] {
  const entries: number[] = [];
  for (let slot = index.slotOf(hash); index.table[2 * slot + 1] !== 0; slot = (slot + 1) & index.mask) {
    if (index.table[2 * slot] === hash) entries.push(index.table[2 * slot + 1] - 1);
  }
  return entries;
}
