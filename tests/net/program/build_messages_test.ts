/** What is said of programs that cannot be loaded. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeBuildError } from "../../../net/program/build_messages.ts";

const directory = mkdtempSync(join(tmpdir(), "luciole-messages-"));
afterAll(() => rmSync(directory, { recursive: true }));

async function complaintOf(name: string, source: string): Promise<string | undefined> {
  const path = join(directory, name);
  writeFileSync(path, source);
  return import(path).then(
    () => undefined,
    (error) => describeBuildError(error),
  );
}

test("describeBuildError() tells the first complaint and how many more there are", async () => {
  const text = await complaintOf("passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:\n".repeat(20));
  expect(text).toMatch(/^[^\n]+passwd:1:\d+: [^\n]+\n {2}and \d+ more$/);
});

test("describeBuildError() tells a single complaint with its place", async () => {
  expect(await complaintOf("one.ts", "const a = ;\n")).toMatch(/one\.ts:1:\d+: Unexpected ;$/);
});
