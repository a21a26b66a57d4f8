/** The child of `pipe`: its writer waits for it. */
import { expect, test } from "bun:test";
import { spawnPipe } from "../../../net/worker/pipe_process.ts";
import { soon } from "../../oracle/until.ts";

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

test("output() ends with its command, whatever that leaves running", async () => {
  const child = spawnPipe("sleep 60 >/dev/null & echo $!; cat");
  await child.write(new TextEncoder().encode("row\n"));
  child.end();
  const read = async (): Promise<string> => {
    let text = "";
    for await (const bytes of child.output()) text += new TextDecoder().decode(bytes);
    return text;
  };
  const [left, row] = (await soon("its end", read())).split("\n");
  process.kill(Number(left));
  expect(row).toBe("row");
});
