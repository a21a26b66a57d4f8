/** The flags of Deno that workers are started with: the driver's, as far as they are known. */
import { expect, test } from "bun:test";
import { pathToFileURL } from "node:url";
import { flagsOf } from "../../../net/runtime/deno_flags.ts";

const MAIN = pathToFileURL("job.ts").href;

test.each([
  ["run -A job.ts --config mine", "-A"],
  ["run -A --config conf/deno.json ./job.ts", "-A --config conf/deno.json"],
  [`--quiet run -A --import-map=map.json ${MAIN}`, "--quiet -A --import-map=map.json"],
  ["-A -c deno.json job.ts run", "-A -c deno.json"],
  ["job.ts", ""],
  [
    "run -A --inspect-brk=127.0.0.1:9229 --watch --watch-exclude=a -r --reload=b --inspect --frozen job.ts",
    "-A --frozen",
  ],
  ["run -A other.ts job.test.ts", undefined],
  ["serve -A job.ts", undefined],
])("flagsOf() of deno %s is %s", (line, flags) => {
  expect(flagsOf(line.split(" "), MAIN)?.join(" ")).toBe(flags);
});
