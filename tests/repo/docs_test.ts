/** The documentation of the public entry, beside what `deno doc --lint` asks for. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ROOT } from "./sources.ts";

interface Documented {
  readonly name: string;
  readonly jsDoc?: { readonly tags?: readonly { readonly kind: string }[] };
}
interface Declaration extends Documented {
  readonly kind: string;
  readonly def: { readonly methods?: readonly Documented[] };
}
interface Exported {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

/** Errors that no program can bring about on one machine. */
const REMOTE = [
  "AuthError",
  "NotEnoughResourcesError",
  "ProgramMissingError",
  "ProtocolError",
  "ShardLostError",
];

function readExports(): readonly Exported[] {
  const command = [join(ROOT, "node_modules/.bin/deno"), "doc", "--json", join(ROOT, "mod.ts")];
  const { stdout, exitCode, stderr } = Bun.spawnSync(command, { stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`Cannot read the documentation: ${stderr.toString()}`);
  const modules: { readonly symbols: readonly Exported[] }[] = Object.values(
    JSON.parse(stdout.toString()).nodes,
  );
  return modules.flatMap(({ symbols }) => symbols);
}

const exported = readExports();
const isFamily = (name: string) => name.endsWith("Operations");
const hasExample = (all: readonly Documented[]) =>
  all.some(({ jsDoc }) => jsDoc?.tags?.some(({ kind }) => kind === "example") === true);

describe("mod.ts", () => {
  test("shows the operations of Dataset as its own", () => {
    const families = exported.filter(({ name }) => isFamily(name));
    const operations = families.flatMap(({ declarations }) => declarations[0]?.def.methods ?? []);
    expect(new Set(operations.map(({ name }) => name)).size).toBeGreaterThan(60);
  });

  test("gives an example of each export; a family of operations has them on its operations", () => {
    const without = exported
      .filter(({ name }) => !isFamily(name) && !REMOTE.includes(name))
      .filter(({ declarations }) => !hasExample(declarations));
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  test("gives an example of each operation and source", () => {
    const owners = exported.filter(({ name }) => isFamily(name) || name === "FlowBuilder");
    const without = owners.flatMap(({ name, declarations }) => {
      const methods = Map.groupBy(declarations[0]?.def.methods ?? [], (method) => method.name);
      return [...methods]
        .filter(([, overloads]) => !hasExample(overloads))
        .map(([method]) => `${name}.${method}`);
    });
    expect(without).toEqual([]);
  });
});
