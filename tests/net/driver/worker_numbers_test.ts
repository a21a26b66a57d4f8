/** Which worker is on which agent. */
import { expect, test } from "bun:test";
import { WorkerNumbers } from "../../../net/driver/worker_numbers.ts";

test("WorkerNumbers numbers workers over the agents in their order", () => {
  const numbers = new WorkerNumbers();
  numbers.add("a", 2);
  numbers.add("b", 1);
  expect(numbers.byAgent([2, 0])).toEqual(
    new Map([
      ["b", [2]],
      ["a", [0]],
    ]),
  );
  expect(numbers.byAgent("all")).toEqual(
    new Map([
      ["a", "all"],
      ["b", "all"],
    ]),
  );
  expect(() => numbers.byAgent([3])).toThrow("Cannot send to worker 3: the job has workers 0 to 2");
});
