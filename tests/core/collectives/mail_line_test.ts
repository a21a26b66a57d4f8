/** The line between two agents, with parts that are lost, repeated and late. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { IncomingLine, OutgoingLine, type Part } from "../../../core/collectives/mail_line.ts";

describe("OutgoingLine and IncomingLine", () => {
  test("bring every item once and in order, whatever becomes of requests and answers", () => {
    const fates = fc.array(fc.constantFrom("arrives", "lost", "answer lost", "twice", "late"), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        fates,
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (given, total, max) => {
          const out = new OutgoingLine<number>();
          const inc = new IncomingLine<number>();
          const got: number[] = [];
          const late: Part<number>[] = [];
          let pushed = 0;
          const send = (fate: string): void => {
            for (let i = 0; i < 3 && pushed < total; i++) out.push(pushed++, 1);
            const part = out.next(max);
            if (part === undefined || fate === "lost") return;
            if (fate === "late") late.push(part);
            got.push(...inc.take(part));
            if (fate === "twice") got.push(...inc.take(part));
            if (fate !== "answer lost") out.acknowledge(inc.count);
          };
          for (const fate of given) send(fate);
          for (const part of late) got.push(...inc.take(part));
          while (got.length < total) send("arrives");
          expect(got).toEqual(Array.from({ length: total }, (_, i) => i));
          send("arrives");
          expect(out.sizeBytes).toBe(0);
        },
      ),
    );
  });

  test("a part has so many bytes, or one item", () => {
    const out = new OutgoingLine<string>();
    for (const [item, size] of [
      ["a", 10],
      ["b", 3],
      ["c", 3],
      ["d", 3],
    ] as const)
      out.push(item, size);
    expect(out.next(6)).toEqual({ first: 0, items: ["a"] });
    out.acknowledge(1);
    expect(out.next(6)).toEqual({ first: 1, items: ["b", "c"] });
    expect(out.sizeBytes).toBe(9);
  });

  test("an end that has forgotten what it had is told from the one that had it", () => {
    const out = new OutgoingLine<string>();
    out.push("a", 1);
    out.acknowledge(1);
    expect(() => out.acknowledge(0)).toThrow("Cannot go on after item 0: the other end may have had 1 to 1");
    expect(() => out.acknowledge(2)).toThrow("Cannot go on after item 2");
    const inc = new IncomingLine<string>();
    expect(inc.take({ first: 3, items: ["d"] })).toEqual([]);
    expect(inc.count).toBe(0);
  });
});
