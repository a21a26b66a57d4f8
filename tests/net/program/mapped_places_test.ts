/** Places put into finished bundles by their source maps. */
import { expect, test } from "bun:test";
import { withPlaces } from "../../../net/program/mapped_places.ts";

test("withPlaces() tells each module its own place, and keeps the lengths of lines", () => {
  // Line 1 is of b.ts from column 0; line 2 of a.ts, from column 20 of b.ts; line 3 of nobody.
  const code =
    "f(import.meta.url);\ng(import.meta.dir); h(import.meta.main);\ni(import.meta.url, import.meta.env);";
  const placed = withPlaces(code, "ACAA;ADAA,oBCAA;A", ["/x/a.ts", "/x/y/b.ts"], "/x/a.ts");
  const lines = placed.code.split("\n");
  expect(lines.map((line) => line.length)).toEqual(code.split("\n").map((line) => line.length));
  const [b, a, again, ...rest] = placed.code.match(/(?:\$lucio_\d{4}|import\.meta)\.\w+/g) ?? [];
  expect([b, a, again, ...rest]).toEqual([
    "$lucio_0000.url",
    "$lucio_0001.dir",
    "$lucio_0000.main",
    "import.meta.url",
    "import.meta.env",
  ]);
  const places = new Function(`${placed.head} return [$lucio_0000, $lucio_0001]`)();
  expect(places).toMatchObject([
    { url: "file:///x/y/b.ts", dirname: "/x/y", file: "b.ts", main: false },
    { url: "file:///x/a.ts", dir: "/x", path: "/x/a.ts", main: true },
  ]);
});
