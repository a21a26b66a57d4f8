/** `luciole plot`: draws what would run, and runs nothing (G10). */
import { afterAll, describe, expect, test } from "bun:test";
import { Folder, LUCIOLE } from "./executable.ts";

const folder = new Folder({
  "input.txt": "a b\nb\n",
  "one.ts": `
    import { flow, run } from "luciole";
    const count = flow("count", (f, p: { input: string } | undefined) =>
      f.text(p?.input ?? "input.txt").flatMap((line) => line.split(" ")).countByValue());
    await run(async (job) => { console.log("ran", await job.execute(count, undefined)); });
    console.log("after run");
  `,
  "two.ts": `
    import { flow } from "luciole";
    flow("first", (f) => f.range(10));
    flow("second", (f) => f.range(20).sum());
  `,
  "needs.ts": `
    import { flow, run } from "luciole";
    const words = flow("word-count", (f, p) => f.text(p.input).countByValue());
    await run((job) => job.execute(words, { input: job.args[0] }));
  `,
  "handle.ts": `
    import { flow } from "luciole";
    flow("ranks", (f, p) => f.from(p.links).mapValues(() => 1 / p.pages).reduceByKey((a, b) => a + b));
  `,
  "none.ts": "export const nothing = 1;",
});
afterAll(() => folder[Symbol.dispose]());
const plot = (...args: string[]) => folder.run([LUCIOLE, "plot", ...args]);

describe("luciole plot", () => {
  test.each([
    ["mermaid", /^(flowchart|graph) /],
    ["dot", /^digraph /],
    ["svg", /^<svg [\s\S]*<\/svg>\s*$/],
  ])("draws the only flow as %s and runs nothing", async (format, form) => {
    const { code, stdout, stderr } = await plot("one.ts", "--format", format);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(form);
    expect(stdout).toContain("flatMap");
    expect(stdout).not.toContain("ran");
    expect(folder.leftovers()).toEqual([]);
  });

  test("gives the flow its parameters", async () => {
    const { code, stderr } = await plot("one.ts", "--params", '{ "input": "gone/*.txt" }');
    expect(code).toBe(3);
    expect(stderr).toStartWith('error: Cannot read "gone/*.txt": no file matches');
  });

  test("asks for the parameters when the flow fails without", async () => {
    const { code, stdout, stderr } = await plot("needs.ts");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith(
      `error: Cannot plot it: the flow "word-count" takes parameters: give them with --params '{…}'\n  caused by: `,
    );
  });

  test("takes the sizes of a dataset for its handle", async () => {
    const params = '{ "links": { "$dataset": { "shards": 7, "rows": 1000 } }, "pages": 3 }';
    const { code, stdout, stderr } = await plot("handle.ts", "--params", params);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("0: 7 tasks");
  });

  test("puts the drawing into JSON", async () => {
    const { stdout } = await plot("two.ts", "--flow", "second", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ flow: "second", format: "mermaid" });
  });

  test.each([
    [["two.ts"], 'Cannot plot "two.ts": it defines first, second; choose one with --flow'],
    [["two.ts", "--flow", "third"], 'Cannot plot flow "third" of "two.ts": it defines first, second'],
    [
      ["handle.ts", "--params", '{"links":{"$dataset":{"row":1}}}'],
      'Cannot read --params: Cannot use $dataset: unknown option "row"',
    ],
    [["none.ts"], 'Cannot plot "none.ts": it defines none'],
  ])("%j is a usage error that names the flows", async (args, message) => {
    const { code, stdout, stderr } = await plot(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toStartWith(`error: ${message}`);
  });
});
