/** When receipts are due. */
import { expect, test } from "bun:test";
import { Intake } from "../../../core/messages/intake.ts";
import { Receipts } from "../../../net/receipts.ts";

function heardOne(receipts: Receipts, life: string): void {
  const intake = new Intake(life);
  receipts.begin(intake);
  intake.take({ life, base: 0, first: 0, letters: [new Uint8Array(1)] });
  receipts.heard(1);
}

test("a receipt is due for a process that came before the receipt for the last one was taken", async () => {
  let due = 0;
  const receipts = new Receipts(() => {
    due += 1;
  });
  const deadline = performance.now() + 10_000;
  const next = async (count: number): Promise<void> => {
    while (due < count && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
    expect(due).toBe(count);
  };
  heardOne(receipts, "life1");
  await next(1);
  // Nobody has taken it: the way was busy.
  heardOne(receipts, "life2");
  await next(2);
  expect(receipts.take()).toEqual({ life: "life2", received: 1, heard: 1 });
  expect(receipts.take()).toBeUndefined();
  receipts.close();
});
