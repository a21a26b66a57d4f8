/** Every example in the documentation is a whole program that runs and prints what it says. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Folder } from "../e2e/executable.ts";
import { type Example, readExamples } from "./fences.ts";

const examples = readExamples();
const folder = new Folder();
beforeAll(() => {
  folder.installPackage();
  folder.write("words.txt", "to be or not to be\n");
});
afterAll(() => folder[Symbol.dispose]());

/** Examples are written for people: spaces, quotes and line ends of printed values do not count. */
function squeeze(text: string): string {
  return text.replace(/["'\s]+|,(?=\s*[\]}])/g, "");
}

async function runExample(example: Example, index: number): Promise<void> {
  const path = folder.write(`example_${index}.ts`, example.code);
  const env = { LUCIOLE_WORKERS: "1", LUCIOLE_QUIET: "1" };
  const command = [process.execPath, "--console-depth=9", path, ...example.args];
  const { code, stdout, stderr } = await folder.run(command, { env });
  // What user code prints on a worker is a log line.
  const complaints = stderr.replace(/^\[worker \d+\] .*\n/gm, "");
  expect({ place: example.place, code, complaints }).toEqual({
    place: example.place,
    code: 0,
    complaints: "",
  });
  let rest = squeeze(stdout);
  for (const expected of example.expected) {
    const at = rest.indexOf(squeeze(expected));
    if (at < 0) throw new Error(`${example.place} should print ${expected}, printed:\n${stdout}`);
    rest = rest.slice(at + squeeze(expected).length);
  }
}

describe("examples", () => {
  test("are found in doc comments and in README.md", () => {
    expect(examples.length).toBeGreaterThan(100);
    expect(examples.some(({ place }) => place.startsWith("README.md:"))).toBe(true);
  });

  test.concurrent.each(examples.map((example, index) => [example.place, example, index] as const))(
    "%s runs and prints what it says",
    (_, example, index) => runExample(example, index),
    60_000,
  );
});
