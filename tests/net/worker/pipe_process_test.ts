/** The child of `pipe`: its writer waits for it. */
import { expect, test } from "bun:test";
import { spawnPipe } from "../../../net/worker/pipe_process.ts";

/** Whether it is settled when everything that can run now has run. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  promise.then(() => {
    settled = true;
  });
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("write() waits while the child reads nothing, until it ends", async () => {
  const child = spawnPipe(["sleep", "60"]);
  const written = child.write(new Uint8Array(8 << 20));
  expect(await isSettled(written)).toBe(false);
  child.kill();
  await written;
});
