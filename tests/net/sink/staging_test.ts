/** Sinks: output appears whole or not at all, foreign things are never replaced, nothing is left. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LucioleError } from "../../../core/errors.ts";
import { StagedFile } from "../../../net/sink/staged_file.ts";
import {
  discardStaging,
  openStaging,
  publish,
  type StagedPart,
  stagingDirectory,
} from "../../../net/sink/staging.ts";
import { checkSink } from "../../../net/sink/target.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

function stage(path: string, attempt: string, text: string, extension = ".txt"): StagedPart {
  const staging = stagingDirectory(path, "e1");
  if (!existsSync(staging)) openStaging(path, "e1");
  const file = new StagedFile({ staging, attempt, extension });
  file.write(Buffer.from(text));
  file.commit();
  return { attempt, name: file.name, rows: text.split("\n").length - 1, bytes: file.sizeBytes };
}

function publishTo(path: string, parts: StagedPart[], more: { single?: boolean; overwrite?: boolean } = {}) {
  const staging = stagingDirectory(path, "e1");
  return publish({ path, single: false, overwrite: false, staging, parts, ...more });
}

function codeOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof LucioleError) return error.code;
    throw error;
  }
  return "accepted";
}

const check = (path: string, more: { single?: boolean; overwrite?: boolean } = {}) =>
  codeOf(() => checkSink({ path, single: false, overwrite: false, ...more }));

describe("publish()", () => {
  test("makes a directory of parts with a manifest, without what lost", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    const parts = [stage(path, "a-1", "x\ny\n"), stage(path, "a-0", "z\n")];
    stage(path, "loser", "no\n");
    expect(existsSync(path)).toBe(false);
    const result = publishTo(path, parts);
    expect(result).toEqual({ path, rows: 3, bytes: 6, files: ["part-00000.txt", "part-00001.txt"] });
    expect(readdirSync(root)).toEqual(["out"]);
    expect(readdirSync(path).sort()).toEqual(["_SUCCESS", "part-00000.txt", "part-00001.txt"]);
    expect(readFileSync(join(path, "part-00000.txt"), "utf8")).toBe("x\ny\n");
    const manifest = JSON.parse(readFileSync(join(path, "_SUCCESS"), "utf8"));
    expect(manifest.parts).toEqual([
      { name: "part-00000.txt", rows: 2, bytes: 4 },
      { name: "part-00001.txt", rows: 1, bytes: 2 },
    ]);
    expect(typeof manifest.luciole).toBe("string");
  });

  test("replaces an earlier output whole, so that no part of it is left", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    publishTo(path, [stage(path, "a", "1\n"), stage(path, "b", "2\n")]);
    expect(check(path)).toBe("accepted");
    publishTo(path, [stage(path, "c", "3\n")]);
    expect(readdirSync(path).sort()).toEqual(["_SUCCESS", "part-00000.txt"]);
    expect(readFileSync(join(path, "part-00000.txt"), "utf8")).toBe("3\n");
    expect(readdirSync(root)).toEqual(["out"]);
  });

  test("makes an output without parts when there are none", () => {
    const path = join(temporaryDirectory(), "out");
    openStaging(path, "e1");
    publishTo(path, []);
    expect(readdirSync(path)).toEqual(["_SUCCESS"]);
  });

  test("writes one file in its place when single, over another one with overwrite only", () => {
    const root = temporaryDirectory();
    const path = join(root, "out.txt");
    publishTo(path, [stage(path, "a", "old\n")], { single: true });
    const part = stage(path, "b", "new\n");
    expect(codeOf(() => publishTo(path, [part], { single: true }))).toBe("output-exists");
    expect(readFileSync(path, "utf8")).toBe("old\n");
    const result = publishTo(path, [part], { single: true, overwrite: true });
    expect(result.files).toEqual(["out.txt"]);
    expect(readFileSync(path, "utf8")).toBe("new\n");
    expect(readdirSync(root)).toEqual(["out.txt"]);
  });

  test.each([true, false])("writes what a link leads to, which stays a link: single is %p", (single) => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "far/out"), { recursive: true });
    if (single) writeFileSync(join(root, "far/file"), "old");
    const place = join(root, single ? "far/file" : "far/out");
    const path = join(root, "link");
    symlinkSync(place, path);
    const part = stage(path, "a", "new\n");
    expect(readdirSync(root).sort()).toEqual(["far", "link"]);
    if (single) expect(codeOf(() => publishTo(path, [part], { single }))).toBe("output-exists");
    publishTo(path, [part], { single, overwrite: single });
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(single ? place : join(place, "part-00000.txt"), "utf8")).toBe("new\n");
    expect(readdirSync(join(root, "far")).sort()).toEqual(single ? ["file", "out"] : ["out"]);
  });

  test("refuses what came into its place while the flow ran, and keeps it", () => {
    const path = join(temporaryDirectory(), "out");
    const part = stage(path, "a", "1\n");
    mkdirSync(path);
    writeFileSync(join(path, "mine.txt"), "precious");
    expect(codeOf(() => publishTo(path, [part]))).toBe("output-exists");
    expect(readdirSync(path)).toEqual(["mine.txt"]);
    publishTo(path, [part], { overwrite: true });
    expect(readdirSync(path).sort()).toEqual(["_SUCCESS", "part-00000.txt"]);
  });

  test("puts one file in the place of a directory only with overwrite", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    mkdirSync(path);
    expect(check(path, { single: true })).toBe("output-exists");
    publishTo(path, [stage(path, "a", "1\n")], { single: true, overwrite: true });
    expect(readFileSync(path, "utf8")).toBe("1\n");
    expect(readdirSync(root)).toEqual(["out"]);
  });
});

describe("openStaging()", () => {
  function disown(path: string, execution: string, change: object): void {
    const file = join(stagingDirectory(path, execution), ".owner");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }));
  }

  test("deletes what a killed process staged for the same target, and nothing of others", () => {
    const root = temporaryDirectory();
    const dead = Bun.spawnSync(["true"]).pid;
    const path = join(root, "a/out");
    for (const execution of ["dead", "elsewhere", "alive"]) openStaging(path, execution);
    openStaging(join(root, "a/output"), "dead");
    mkdirSync(join(root, "a/.out.staging-unknown"));
    disown(path, "dead", { pid: dead });
    disown(path, "elsewhere", { pid: dead, space: "00000000" });
    disown(join(root, "a/output"), "dead", { pid: dead });
    openStaging(path, "own");
    expect(readdirSync(join(root, "a")).sort()).toEqual([
      ".out.staging-alive",
      ".out.staging-elsewhere",
      ".out.staging-own",
      ".out.staging-unknown",
      ".output.staging-dead",
    ]);
  });

  test("leaves nothing when it cannot be made", () => {
    const root = temporaryDirectory();
    const path = join(root, "a/b", "n".repeat(250));
    expect(codeOf(() => openStaging(path, "e1"))).toBe("output-unwritable");
    expect(codeOf(() => openStaging("/proc/luciole/out", "e1"))).toBe("output-unwritable");
  });
});

describe("checkSink()", () => {
  const refusal = (path: string, more: { single?: boolean; overwrite?: boolean } = {}): string => {
    try {
      checkSink({ path, single: false, overwrite: false, ...more });
    } catch (error) {
      return (error as Error).message.replace(`Cannot write "${path}": `, "");
    }
    return "";
  };
  const HINT = "; pass { overwrite: true } to replace it";

  test("refuses a file without overwrite, unless it is empty and one file is written", () => {
    const path = join(temporaryDirectory(), "notes.txt");
    writeFileSync(path, "");
    expect(refusal(path, { single: true })).toBe("");
    expect(refusal(path)).toBe(`it exists${HINT}`);
    writeFileSync(path, "mine");
    expect(refusal(path, { single: true })).toBe(`it exists${HINT}`);
    expect(refusal(path, { single: true, overwrite: true })).toBe("");
    expect(check(join(path, "out"))).toBe("output-unwritable");
  });

  test("refuses a directory that holds anything but an earlier output, and names it", () => {
    const root = temporaryDirectory();
    const path = join(root, "out");
    mkdirSync(path);
    expect(refusal(path)).toBe("");
    expect(refusal(path, { single: true })).toBe(`it is a directory${HINT}`);
    writeFileSync(join(path, "_SUCCESS"), "");
    expect(refusal(path)).toBe(`it holds "_SUCCESS", which is no part of an earlier output${HINT}`);
    expect(refusal(path, { overwrite: true })).toBe("");
    publishTo(path, [stage(path, "a", "1\n")], { overwrite: true });
    expect(refusal(path)).toBe("");
    for (const name of ["notes.txt", "part-00001.txt", ".hidden"]) {
      const file = join(path, name);
      writeFileSync(file, "");
      expect(refusal(path)).toBe(`it holds "${name}", which is no part of an earlier output${HINT}`);
      rmSync(file);
    }
    rmSync(join(path, "part-00000.txt"));
    mkdirSync(join(path, "part-00000.txt"));
    expect(refusal(path)).toContain('it holds "part-00000.txt"');
  });

  test("refuses what can never be written, with overwrite too", () => {
    const root = temporaryDirectory();
    Bun.spawnSync(["mkfifo", join(root, "pipe")]);
    symlinkSync(join(root, "gone"), join(root, "nowhere"));
    symlinkSync("loop", join(root, "loop"));
    symlinkSync("/dev/null", join(root, "null"));
    const of = (path: string, single = true) => refusal(path, { single, overwrite: true });
    expect(of(join(root, "pipe"))).toBe("it is a named pipe");
    expect(of(join(root, "nowhere"))).toBe("it is a symbolic link that leads nowhere");
    expect(of(join(root, "loop"))).toBe("it cannot be reached (ELOOP)");
    expect(of(join(root, "null"))).toBe("/dev holds no files of users");
    expect(of("/proc/self/x")).toBe("/proc holds no files of users");
    expect(of("/dev")).toBe("/dev holds no files of users");
    expect(of("/developer/out")).toBe("");
    expect(of(`${root}/trail/`)).toBe('it ends like a directory, and "single" writes one file');
    expect(of(`${root}/trail/`, false)).toBe("");
    expect(of(".", false)).toBe("it is the working directory, or holds it");
    expect(of("/", false)).toBe("it is the working directory, or holds it");
  });

  test("leaves nothing behind, parents that are missing included", () => {
    const root = temporaryDirectory();
    expect(check(join(root, "a/b/out"))).toBe("accepted");
    expect(readdirSync(root)).toEqual([]);
  });
});

describe("discardStaging()", () => {
  test("removes the directories that were made for it, and no others", () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "kept"));
    const path = join(root, "kept/a/b/out");
    stage(path, "x", "1\n");
    stage(path, "y", "1\n");
    discardStaging(stagingDirectory(path, "e1"));
    expect(readdirSync(join(root, "kept"))).toEqual([]);
    discardStaging(stagingDirectory(path, "e1"));
    expect(readdirSync(root)).toEqual(["kept"]);
  });

  test("keeps a directory that was made for it when something else is in it", () => {
    const root = temporaryDirectory();
    const path = join(root, "a/out");
    stage(path, "x", "1\n");
    writeFileSync(join(root, "a/other"), "");
    discardStaging(stagingDirectory(path, "e1"));
    expect(readdirSync(join(root, "a"))).toEqual(["other"]);
  });
});

describe("StagedFile", () => {
  test("leaves nothing when it is discarded, and stays when it was committed", () => {
    const path = join(temporaryDirectory(), "out");
    const staging = stagingDirectory(path, "e1");
    openStaging(path, "e1");
    const file = new StagedFile({ staging, attempt: "a", extension: ".csv" });
    file.write(Buffer.from("x"));
    file.discard();
    expect(readdirSync(staging)).toEqual([".owner"]);
    const part = stage(path, "b", "x", ".csv");
    expect(readdirSync(staging).sort()).toEqual([".owner", part.name]);
  });
});

/** Publishes to one place again and again, as another process does at the same time. */
const RIVAL = `
import { openStaging, publish, stagingDirectory } from "${join(import.meta.dir, "../../../net/sink/staging.ts")}";
import { StagedFile } from "${join(import.meta.dir, "../../../net/sink/staged_file.ts")}";

const [path, who] = process.argv.slice(2);
for (let i = 0; i < 200; i++) {
  const execution = who + "-" + i;
  openStaging(path, execution);
  const staging = stagingDirectory(path, execution);
  const parts = ["a-0", "a-1"].map((attempt) => {
    const file = new StagedFile({ staging, attempt, extension: ".txt" });
    file.write(Buffer.from(execution + "\\n"));
    file.commit();
    return { attempt, name: file.name, rows: 1, bytes: file.sizeBytes };
  });
  publish({ path, single: false, overwrite: false, staging, parts });
}
`;

test("F8: publish() of several processes to one place leaves the whole output of one of them, and fails for none", async () => {
  const root = temporaryDirectory();
  const script = join(root, "rival.ts");
  const path = join(root, "out");
  writeFileSync(script, RIVAL);
  const rivals = ["x", "y", "z"].map((who) =>
    Bun.spawn([process.execPath, script, path, who], { stdout: "ignore", stderr: "pipe", timeout: 60_000 }),
  );
  const errors = await Promise.all(rivals.map((rival) => new Response(rival.stderr).text()));
  expect(errors).toEqual(["", "", ""]);
  expect(await Promise.all(rivals.map((rival) => rival.exited))).toEqual([0, 0, 0]);
  const texts = ["part-00000.txt", "part-00001.txt"].map((name) => readFileSync(join(path, name), "utf8"));
  expect(texts[0]).toMatch(/^[xyz]-199\n$/);
  expect(texts[1]).toBe(texts[0]);
  expect(readdirSync(root).sort()).toEqual(["out", "rival.ts"]);
});
