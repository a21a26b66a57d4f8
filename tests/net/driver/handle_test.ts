import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { createDatasetHandle, createSinkHandle, type DatasetSource } from "../../../net/driver/handle.ts";

function sourceOf(isComplete: boolean): DatasetSource {
  const no = () => Promise.reject(new Error("not needed"));
  return {
    dataset: "d1",
    name: "it",
    ready: no,
    complete: no,
    isComplete: () => isComplete,
    batches: () => {
      throw new Error("not needed");
    },
    sizes: () => [
      { rows: 2, bytes: 10 },
      { rows: 3, bytes: 20 },
    ],
    retain: () => () => undefined,
    persist: no,
  };
}

test("a handle that is printed says how its rows are read", () => {
  const handle = createDatasetHandle(sourceOf(true));
  expect(inspect(handle)).toBe(
    "DatasetHandle(rows: 5, shards: 2; collect(), take(n) and for await read them)",
  );
  expect(inspect(createDatasetHandle(sourceOf(false)))).toBe(
    "DatasetHandle(its rows are being computed; collect(), take(n) and for await read them)",
  );
  handle.release();
  expect(inspect(handle)).toBe("DatasetHandle(released)");
  expect(inspect(createSinkHandle(() => Promise.reject(new Error("not needed"))))).toBe(
    "SinkHandle(result() tells what was written)",
  );
});
