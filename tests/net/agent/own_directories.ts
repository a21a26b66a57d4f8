/** A program that takes many directories, one every few milliseconds from a time on, and tells which it got. */
import { join } from "node:path";
import { ownDirectory } from "../../../net/agent/directory_lock.ts";

const [base = "", count = "0", startsAt = "0"] = process.argv.slice(2);
const EVERY_MS = 8;
const got: number[] = [];
for (let i = 0; i < Number(count); i++) {
  for (const due = Number(startsAt) + i * EVERY_MS; Date.now() < due; );
  try {
    ownDirectory(join(base, `${i}`));
    got.push(i);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("uses it"))) throw error;
  }
}
console.log(JSON.stringify(got));
// Its directories are its own as long as it lives.
await Bun.stdin.text();
process.exit(0);
