/** Everything that is compared with plain arrays holds with generated code switched off, too. */
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";

test("the oracle's tests pass without generated code", async () => {
  const others = readdirSync(import.meta.dir)
    .filter((name) => name.endsWith("_test.ts") && name !== "general_code_test.ts")
    .map((name) => `${import.meta.dir}/${name}`);
  const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", ...others], {
    env: { ...process.env, LUCIOLE_CODE: "general" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, text] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const code = await child.exited;
  if (code !== 0) console.error(out, text);
  expect(text.match(/^\(fail\).*$/gm) ?? []).toEqual([]);
  expect(code).toBe(0);
  expect(Number(/(\d+) pass/.exec(text)?.[1])).toBeGreaterThan(100);
}, 480_000);
