/** Items from several givers: one of each under way, and nobody waits for ever. */
import { describe, expect, test } from "bun:test";
import { Handover } from "../../../../net/driver/reading/handover.ts";

describe("Handover", () => {
  test("give() waits until the item is taken, so that each giver is one item ahead", async () => {
    const handover = new Handover<string>();
    const given: string[] = [];
    const giver = async (name: string): Promise<void> => {
      for (let n = 0; n < 3; n++) {
        await handover.give(`${name}${n}`);
        given.push(`${name}${n}`);
      }
    };
    handover.addGiver(giver("a"));
    handover.addGiver(giver("b"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual([]);
    expect(await handover.take()).toBe("a0");
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toEqual(["a0"]);
    const rest: string[] = [];
    for (let item = await handover.take(); item !== undefined; item = await handover.take()) rest.push(item);
    expect(rest.toSorted()).toEqual(["a1", "a2", "b0", "b1", "b2"]);
    expect(given.toSorted()).toEqual(["a0", "a1", "a2", "b0", "b1", "b2"]);
  });

  test("give() is let go with false when the taker leaves", async () => {
    const handover = new Handover<number>();
    const waiting = handover.give(1);
    handover.close();
    expect(await waiting).toBe(false);
    expect(await handover.give(2)).toBe(false);
  });

  test("take() fails with the first giver that fails", async () => {
    const handover = new Handover<number>();
    handover.addGiver(Promise.reject(new Error("first")));
    await expect(handover.take()).rejects.toThrow("first");
  });
});
