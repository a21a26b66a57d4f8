/** Laying out changes blanks only. */
import { expect, test } from "bun:test";
import { tidyCode } from "../../../core/exec/code_layout.ts";
import { segmentSource } from "../../../core/exec/segment_code.ts";
import { csvLoopSource } from "../../../core/format/csv_loop_source.ts";

test("tidyCode() gives each statement a line and indents blocks", () => {
  const text = tidyCode(
    `const { a, b } = tools; if (a) { f("; {", [1, 2]); } else { return { "x y": (() => { g(); })() }; }`,
  );
  expect(text).toBe(
    [
      "const { a, b } = tools;",
      "if (a) {",
      '  f("; {", [1, 2]);',
      "} else {",
      '  return { "x y": (() => { g(); })() };',
      "}",
    ].join("\n"),
  );
});

test("tidyCode() leaves code as it is but for blanks, and compilable", () => {
  const sources = [
    segmentSource(
      ["filter", "flatMap", "words", "keyBy", "mapValues"],
      { takesPairs: true, canBeDone: true },
      "rows",
    ),
    csvLoopSource({
      delimiter: 44,
      fields: [{ slot: 0, type: "string" }, undefined, { slot: 1, type: "date" }],
    }),
  ];
  for (const source of sources) {
    const text = tidyCode(source);
    expect(text.replaceAll(/\s/g, "")).toBe(source.replaceAll(/\s/g, ""));
    expect(() => new Function("f", "c", "tools", "next", "fail", text)).not.toThrow();
    expect(text).not.toMatch(/; const /);
  }
});
