/** F5, F8: attempts that are out of reach go on writing while the output is published. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StagedFile } from "../../../net/sink/staged_file.ts";
import { openStaging, publish, stagingDirectory } from "../../../net/sink/staging.ts";
import { until } from "../../oracle/until.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

/** Makes files in a staging directory as fast as it can, whenever that is there, until it is told to end. */
const LATE = `
import { existsSync, writeFileSync } from "node:fs";
const [staging, end] = process.argv.slice(2);
for (let i = 0; !existsSync(end); i++) {
  try {
    writeFileSync(staging + "/late-" + i + ".txt.tmp", "late");
  } catch {}
}
`;

test("F8: publish() shows nothing of attempts that write while it does", async () => {
  const root = temporaryDirectory();
  const path = join(root, "out");
  const script = join(root, "late.ts");
  const end = join(root, "end");
  writeFileSync(script, LATE);
  const staging = stagingDirectory(path, "e1");
  const late = Bun.spawn([process.execPath, script, staging, end], { stderr: "ignore", timeout: 60_000 });
  try {
    for (let i = 0; i < 40; i += 1) {
      openStaging(path, "e1");
      const file = new StagedFile({ staging, attempt: "a", extension: ".txt" });
      file.commit();
      await until("something late is written", () => readdirSync(staging).length > 3);
      const parts = [{ attempt: "a", name: file.name, rows: 0, bytes: 0 }];
      publish({ path, staging, parts, single: false, overwrite: true });
      expect(readdirSync(path).toSorted()).toEqual(["_SUCCESS", "part-00000.txt"]);
      expect(existsSync(join(path, ".owner"))).toBe(false);
    }
  } finally {
    writeFileSync(end, "");
    await late.exited;
    removeTemporaryDirectories();
  }
}, 60_000);
