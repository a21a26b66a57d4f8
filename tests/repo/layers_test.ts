/** The layers: who may import whom, and who may touch the runtime. */
import { describe, expect, test } from "bun:test";
import { codeOf, readSources, resolveImport, type SourceFile } from "./sources.ts";

const sources = readSources();
const byPath = new Map(sources.map((source) => [source.path, source]));

/** `path imports specifier` of every import in the folder that the rule forbids. */
function violations(
  isConcerned: (path: string) => boolean,
  isForbidden: (target: string, isPackage: boolean) => boolean,
): string[] {
  return sources
    .filter((source) => isConcerned(source.path))
    .flatMap((source) =>
      source.imports
        .filter((specifier) => {
          const file = resolveImport(source.path, specifier);
          return isForbidden(file ?? specifier, file === undefined);
        })
        .map((specifier) => `${source.path} imports ${specifier}`),
    );
}

/** docs/adr/0006: one type in several files, which name each other. */
const DATASET = "core/graph/dataset.ts";
const isOperations = (specifier: string) => /\/dataset_\w+\.ts$/.test(specifier);

const isIn = (folder: string) => (path: string) => path.startsWith(`${folder}/`);
const isPackageNamed = (name: string) => (target: string, isPackage: boolean) =>
  isPackage && (target === name || target.startsWith(`${name}/`));

describe("layers", () => {
  test("are all seen by this test", () => {
    for (const folder of ["core", "net", "cmd", "tests"]) {
      expect(sources.some((source) => isIn(folder)(source.path))).toBe(true);
    }
    expect(sources.flatMap((source) => source.imports).length).toBeGreaterThan(100);
  });

  test("every relative import names a file of the repository, with its extension", () => {
    const isMissing = (target: string, isPackage: boolean) =>
      !isPackage && !byPath.has(target) && target !== "package.json";
    expect(violations(() => true, isMissing)).toEqual([]);
  });

  test("core imports only core", () => {
    expect(violations(isIn("core"), (target, isPackage) => isPackage || !isIn("core")(target))).toEqual([]);
  });

  test("net imports core, net, modules of the runtime, hono, cbor-x and x509 only, and its version", () => {
    const allowed = (target: string, isPackage: boolean) =>
      isPackage
        ? /^(node:|bun:|hono(\/|$)|cbor-x$|@peculiar\/x509$|reflect-metadata$)/.test(target)
        : /^(core|net)\//.test(target) || target === "package.json";
    expect(violations(isIn("net"), (target, isPackage) => !allowed(target, isPackage))).toEqual([]);
  });

  test("only net/runtime imports modules of one runtime", () => {
    const isOutside = (path: string) => !isIn("net/runtime")(path) && !isIn("tests")(path);
    expect(violations(isOutside, (target) => /^(bun|deno)(:|$)/.test(target))).toEqual([]);
  });

  test("only net imports hono", () => {
    expect(violations((path) => !isIn("net")(path) && !isIn("tests")(path), isPackageNamed("hono"))).toEqual(
      [],
    );
  });

  test("only net/cbor.ts imports cbor-x", () => {
    const isOther = (path: string) => path !== "net/cbor.ts" && !isIn("tests")(path);
    expect(violations(isOther, isPackageNamed("cbor-x"))).toEqual([]);
  });

  test("only net/security/certificates.ts imports x509", () => {
    const isOther = (path: string) => path !== "net/security/certificates.ts";
    expect(violations(isOther, isPackageNamed("@peculiar/x509"))).toEqual([]);
  });

  test("nothing imports cmd but cmd", () => {
    const isOutside = (path: string) => !isIn("cmd")(path) && !isIn("tests/cmd")(path);
    expect(violations(isOutside, (target, isPackage) => !isPackage && isIn("cmd")(target))).toEqual([]);
  });

  test("examples import only luciole", () => {
    expect(violations(isIn("examples"), (target) => target !== "luciole")).toEqual([]);
  });

  test("only cmd and the examples import the public entry", () => {
    const isInside = (path: string) => isIn("core")(path) || isIn("net")(path);
    expect(violations(isInside, (target) => target === "mod.ts" || target === "luciole")).toEqual([]);
  });

  test("mod.ts is named re-exports and nothing else", () => {
    const code = codeOf(byPath.get("mod.ts")?.text ?? "");
    const rest = code.replace(/export\s+(type\s+)?\{[^}]*\}\s*from\s*;/g, "").trim();
    expect(rest).toBe("");
  });

  test("there is no import cycle, type imports included, but between Dataset and its operations", () => {
    expect(findCycles()).toEqual([]);
  });

  test("Dataset imports only types of its operations", () => {
    const code = codeOf(byPath.get(DATASET)?.text ?? "");
    expect(byPath.get(DATASET)?.imports.filter((specifier) => isOperations(specifier)).length).toBe(11);
    expect(code.match(/^import (?!type )/gm)).toBeNull();
  });
});

describe("runtime", () => {
  const shipped = sources.filter(
    (source) => /^(core|net|cmd)\//.test(source.path) || source.path === "mod.ts",
  );
  const using = (pattern: RegExp, among: readonly SourceFile[]) =>
    among.filter((source) => pattern.test(codeOf(source.text))).map((source) => source.path);

  test("globals Bun and Deno are named in net/runtime and net/program only", () => {
    const outside = shipped.filter((source) => !/^net\/(runtime|program)\//.test(source.path));
    expect(using(/\b(?:Bun|Deno)\s*[.[]/, outside)).toEqual([]);
  });

  test("core has no clock, randomness, process or I/O", () => {
    const core = shipped.filter((source) => isIn("core")(source.path));
    const effects =
      /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.|process\.(?:argv|cwd|env|exit|hrtime|memoryUsage|nextTick|on|once|pid|std)|setTimeout|setInterval|queueMicrotask|fetch\(|crypto\.|console\.)/;
    expect(using(effects, core)).toEqual([]);
  });
});

/** Each cycle once, as the files on the way. */
function findCycles(): string[] {
  const cycles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (path: string, trail: readonly string[]) => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
      return;
    }
    state.set(path, "open");
    for (const specifier of byPath.get(path)?.imports ?? []) {
      if (path === DATASET && isOperations(specifier)) continue;
      const target = resolveImport(path, specifier);
      if (target !== undefined && byPath.has(target)) visit(target, [...trail, path]);
    }
    state.set(path, "done");
  };
  for (const { path } of sources) visit(path, []);
  return cycles;
}
