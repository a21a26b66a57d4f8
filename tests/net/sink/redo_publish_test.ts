/**
 * A publication that its process did not end, brought to its end by another: at each step at which it may have died.
 */
import { expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  inodeOf,
  openStaging,
  publish,
  type RedoOptions,
  redoPublish,
  stagingDirectory,
} from "../../../net/sink/staging.ts";

interface Scene extends Disposable {
  readonly target: string;
  readonly options: RedoOptions;
  readonly whole: string;
}

/** Two staged parts, or one, as workers leave them. */
function stage(single: boolean): Scene {
  const folder = mkdtempSync(join(tmpdir(), "luciole-redo-"));
  const target = join(folder, "out");
  const staging = stagingDirectory(target, "e3-j1");
  openStaging(target, "e3-j1");
  const texts = single ? ["one\n"] : ["one\n", "two\n"];
  const parts = texts.map((text, i) => {
    const part = { attempt: `e3-j1-0-${i}-1`, name: `e3-j1-0-${i}-1.txt.tmp`, rows: 1, bytes: text.length };
    writeFileSync(join(staging, part.name), text);
    return { ...part, inode: inodeOf(staging, part) };
  });
  const options = { path: target, single, overwrite: false, staging, parts };
  const whole = join(staging, basename(staging));
  return {
    target,
    options,
    whole,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function textOf({ target, options }: Scene): string {
  if (options.single) return readFileSync(target, "utf8");
  const names = readdirSync(target).filter((name) => name.startsWith("part-"));
  return names
    .toSorted()
    .map((name) => readFileSync(join(target, name), "utf8"))
    .join("");
}

const STEPS: readonly (readonly [string, (scene: Scene) => void])[] = [
  ["nothing was moved", () => undefined],
  ["the directory was made", ({ whole }) => mkdirSync(whole)],
  [
    "one part was moved",
    ({ whole, options }) => {
      mkdirSync(whole);
      renameSync(join(options.staging, options.parts[0].name), join(whole, "part-00000.txt"));
    },
  ],
  ["all is published", ({ options }) => void publish(options)],
];

for (const [when, act] of STEPS) {
  test(`redoPublish() ends what was begun when ${when}`, () => {
    using scene = stage(false);
    act(scene);
    const published = redoPublish(scene.options);
    expect(published).toMatchObject({ rows: 2, bytes: 8, files: ["part-00000.txt", "part-00001.txt"] });
    expect(textOf(scene)).toBe("one\ntwo\n");
    expect(existsSync(scene.options.staging)).toBe(false);
    expect(redoPublish(scene.options)).toEqual(published);
  });
}

test("redoPublish() knows a single file that was moved into place", () => {
  using scene = stage(true);
  expect(redoPublish(scene.options)).toMatchObject({ rows: 1, files: ["out"] });
  expect(redoPublish(scene.options)).toMatchObject({ rows: 1, files: ["out"] });
  expect(textOf(scene)).toBe("one\n");
});

test("redoPublish() takes nobody else's output for its own, and tells when what was staged is gone", () => {
  for (const single of [true, false]) {
    using scene = stage(single);
    rmSync(scene.options.staging, { recursive: true });
    if (single) writeFileSync(scene.target, "two\n");
    expect(redoPublish(scene.options)).toBeUndefined();
  }
});
