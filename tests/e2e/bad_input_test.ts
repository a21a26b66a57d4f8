/** Inputs that are missing, unreadable or malformed, and outputs that cannot be written. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endOf, expectFailure, type Mishap, programOf } from "./mishap.ts";

const LIMIT_MS = 60_000;

/** A header and n rows; row `bad` has a field too many. */
function csvWith(bad: number, rows: number): string {
  const line = (i: number): string => (i === bad ? `${i},x,y` : `${i},x`);
  return `a,b\n${Array.from({ length: rows }, (_, i) => line(i)).join("\n")}\n`;
}

function jsonlWith(bad: number, rows: number): string {
  return Array.from({ length: rows }, (_, i) => (i === bad ? '{"a":' : `{"a":${i}}`)).join("\n");
}

const INPUTS: readonly (readonly [string, Mishap, string])[] = [
  [
    "a missing file",
    { program: programOf('f.text("gone.txt")') },
    'Cannot read "gone.txt": there is no such file or directory',
  ],
  [
    "a missing file, by bun",
    { isBun: true, program: programOf('f.text("gone.txt")') },
    'Cannot read "gone.txt": there is no such file or directory',
  ],
  [
    "a glob without match",
    { program: programOf('f.text("logs/*.txt")') },
    'Cannot read "logs/*.txt": no file matches',
  ],
  [
    "a directory that cannot be reached",
    {
      program: programOf('f.text("loop/*.txt")'),
      prepare: (folder) => symlinkSync("loop", join(folder, "loop")),
    },
    'Cannot read "loop/*.txt": loop/*.txt cannot be reached (ELOOP)',
  ],
  [
    "a file where a directory is meant",
    { program: programOf('f.text("plain/a.txt")'), files: { plain: "x" } },
    'Cannot read "plain/a.txt": there is no such file or directory',
  ],
  [
    "an empty directory",
    { program: programOf('f.text("dir")'), prepare: (folder) => mkdirSync(join(folder, "dir")) },
    'Cannot read "dir": the directory holds no file',
  ],
];

describe("an input", () => {
  test.each(INPUTS)(
    "that is %s exits with 3 and is named",
    (_, mishap, line) => expectFailure(mishap, 3, line),
    LIMIT_MS,
  );
});

const MALFORMED: readonly (readonly [string, Mishap, string])[] = [
  [
    "csv",
    { program: programOf('f.csv("in.csv").count()'), files: { "in.csv": csvWith(700, 1000) } },
    'Cannot read "in.csv": line 702: it has 3 fields, not 2: 700,x,y (csv at job.ts:2)',
  ],
  [
    "csv in a later split",
    {
      program: programOf('f.csv("in.csv", { splitBytes: 10_000 }).count()'),
      files: { "in.csv": csvWith(9_000, 10_000) },
    },
    'Cannot read "in.csv": line 9002: it has 3 fields, not 2: 9000,x,y (csv at job.ts:2)',
  ],
  [
    "a csv value",
    {
      program: programOf('f.csv("in.csv", { types: { a: "number" } }).count()'),
      files: { "in.csv": "a,b\n1,x\nfoo,y\n" },
    },
    'Cannot read "in.csv": line 3: a is not a number: "foo": foo,y (csv at job.ts:2)',
  ],
  [
    "a csv header",
    { program: programOf('f.csv("in.csv", { columns: ["c"] }).count()'), files: { "in.csv": "a,b\n1,x\n" } },
    'Cannot read "in.csv": there is no column "c"; the columns are a, b (csv at job.ts:2)',
  ],
  [
    "JSON",
    { program: programOf('f.jsonl("in.jsonl").count()'), files: { "in.jsonl": jsonlWith(1, 3) } },
    'Cannot read "in.jsonl": line 2: it is not JSON: JSON Parse error: Unexpected EOF: {"a": (jsonl at job.ts:2)',
  ],
  [
    "JSON in a later split",
    {
      program: programOf('f.jsonl("in.jsonl", { splitBytes: 10_000 }).count()'),
      files: { "in.jsonl": jsonlWith(9_000, 10_000) },
    },
    'Cannot read "in.jsonl": line 9001: it is not JSON: JSON Parse error: Unexpected EOF: {"a": (jsonl at job.ts:2)',
  ],
];

describe("a malformed line", () => {
  test.each(MALFORMED)(
    "of %s is told with its file and line, once",
    (_, mishap, line) => expectFailure(mishap, 1, line),
    LIMIT_MS,
  );

  test.each([
    ["csv", csvWith(1, 3), "in: line 3: it has 3 fields, not 2: 1,x,y"],
    ["jsonl", jsonlWith(1, 3), 'in: line 2: it is not JSON: JSON Parse error: Unexpected EOF: {"a":'],
  ])(
    "of %s is counted and shown when it is skipped",
    async (format, text, sample) => {
      const program = programOf(
        `f.${format}("in", { onError: "skip" }).count()`,
        "console.log(...(await out.collect()))",
      );
      const { code, stdout, stderr } = await endOf({ program, files: { in: text } });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "2\n" });
      expect(stderr).toBe(`warning: 1 malformed line was skipped, such as ${sample}\n`);
    },
    LIMIT_MS,
  );
});

const OUTPUTS: readonly (readonly [string, Mishap, string])[] = [
  [
    "a directory of somebody else",
    {
      program: programOf('f.range(3).writeText("out", String)'),
      prepare: (folder) => {
        mkdirSync(join(folder, "out"));
        writeFileSync(join(folder, "out/mine.txt"), "x");
      },
    },
    'Cannot write "out": it holds "mine.txt", which is no part of an earlier output; pass { overwrite: true } to replace it',
  ],
  [
    "one file that exists",
    {
      program: programOf('f.range(3).writeText("notes.txt", { single: true })'),
      files: { "notes.txt": "mine" },
    },
    'Cannot write "notes.txt": it exists; pass { overwrite: true } to replace it',
  ],
  [
    "one file that is named like a directory",
    { program: programOf('f.range(3).writeText("trail/", { single: true })') },
    `Cannot write "trail/": it ends like a directory, and "single" writes one file`,
  ],
  [
    "within the output of another sink",
    { program: programOf('[f.range(3).writeText("out", String), f.range(3).writeText("out/in", String)]') },
    'Cannot write "out/in" at job.ts:2: another sink of the flow writes there too',
  ],
  [
    "a name that is too long",
    { program: programOf('f.range(3).writeText("n".repeat(250), String)') },
    `Cannot write "${"n".repeat(250)}": no directory can be made beside it (ENAMETOOLONG)`,
  ],
  [
    "a file where a directory is meant",
    { program: programOf('f.range(3).writeText("out", String)'), files: { out: "x" } },
    'Cannot write "out": it exists; pass { overwrite: true } to replace it',
  ],
  [
    "a device",
    { program: programOf('f.range(3).writeText("/dev/full", String, { single: true })') },
    'Cannot write "/dev/full": /dev holds no files of users',
  ],
  [
    "below a file",
    { program: programOf('f.range(3).writeText("plain/out", String)'), files: { plain: "x" } },
    'Cannot write "plain/out": it cannot be reached (ENOTDIR)',
  ],
  [
    "below a directory that cannot be reached",
    {
      program: programOf('f.range(3).writeText("loop/out", String)'),
      prepare: (folder) => symlinkSync("loop", join(folder, "loop")),
    },
    'Cannot write "loop/out": it cannot be reached (ELOOP)',
  ],
  [
    "where the system shows itself",
    { program: programOf('f.range(3).writeText("/proc/out", String)') },
    'Cannot write "/proc/out": /proc holds no files of users',
  ],
  [
    "the target of another sink",
    { program: programOf('[f.range(3).writeText("out", String), f.range(3).writeText("./out", String)]') },
    'Cannot write "./out" at job.ts:2: another sink of the flow writes there too',
  ],
];

describe("an output", () => {
  test.each(OUTPUTS)(
    "that is %s exits with 1, and nothing is published",
    async (_, mishap, line) => {
      const { added } = await expectFailure(mishap, 1, line);
      expect(added).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "of two jobs at once is whole, and of one of them",
    async () => {
      const twice =
        '"$LUCIOLE" run job.ts & "$LUCIOLE" run job.ts; first=$?; wait $!; echo $first $?; sort -u out/part-* | wc -l; cat out/part-* | wc -l';
      const program = programOf('f.range(50_000).map((n) => "row " + n).writeText("out")');
      const { code, stdout, stderr } = await endOf({ program, command: ["/bin/sh", "-c", twice] });
      expect({ code, stderr, stdout: stdout.split(/\s+/).slice(0, 4) }).toEqual({
        code: 0,
        stderr: "",
        stdout: ["0", "0", "50000", "50000"],
      });
    },
    LIMIT_MS,
  );
});
