/** package.json and its lock file: what a clean machine installs. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./sources.ts";

interface Locked {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
const manifest = read("package.json");
const locked: Readonly<Record<string, Locked>> = read("package-lock.json").packages;

describe("package.json", () => {
  test("names exact versions", () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.length).toBeGreaterThan(5);
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
  });

  test("agrees with deno.json on the engine's dependencies and version", () => {
    const { imports, version } = read("deno.json");
    expect(version).toBe(manifest.version);
    for (const name of ["@peculiar/x509", "cbor-x", "hono", "reflect-metadata"])
      expect(imports[name]).toBe(`npm:${name}@${manifest.dependencies[name]}`);
  });
});

test("package-lock.json names the packages of every platform, without which npm 11 refuses it", () => {
  const missing = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in locked) && !(`${path}/node_modules/${name}` in locked),
    ),
  );
  expect(missing).toEqual([]);
});
