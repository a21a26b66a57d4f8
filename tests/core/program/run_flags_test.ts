/** The parser of a program's own flags: what it takes, what it leaves, what it refuses. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LucioleError } from "../../../core/errors.ts";
import { compileRunFlags, parseRunFlags } from "../../../core/program/run_flags.ts";
import { formatSize, parseSize } from "../../../core/program/size.ts";

const DEFAULTS = { isJson: false, isQuiet: false, logLevel: "info" } as const;

describe("parseRunFlags()", () => {
  test("takes both spellings of a value and leaves the rest in order", () => {
    const parsed = parseRunFlags(
      ["in", "--workers", "3", "--top=5", "--memory=2GiB", "-x", "--quiet", "--json", "out"],
      {},
    );
    expect(parsed.options).toEqual({
      workers: 3,
      memoryBytes: 2 ** 31,
      isJson: true,
      isQuiet: true,
      logLevel: "info",
    });
    expect(parsed.rest).toEqual(["in", "--top=5", "-x", "out"]);
  });

  test("takes nothing after -- and drops only the first one", () => {
    const parsed = parseRunFlags(["--workers", "2", "--", "--workers", "9", "--", "--json"], {});
    expect(parsed).toEqual({
      options: { ...DEFAULTS, workers: 2 },
      rest: ["--workers", "9", "--", "--json"],
    });
  });

  test.each([
    [["--detach"], "Cannot have an agent run the driver: --master must say of which cluster"],
    [["--resume"], "Cannot run with --resume alone: say with --checkpoint DIR what to go on from"],
  ])("refuses %j without what goes with it", (argv, message) => {
    expect(() => parseRunFlags(argv, {})).toThrow(message);
  });

  test("takes only exact names", () => {
    const argv = [
      "--worker",
      "1",
      "--workersx",
      "--Workers",
      "2",
      "-workers",
      "--jsonl",
      "--no-json",
      "workers",
    ];
    expect(parseRunFlags(argv, {}).rest).toEqual(argv);
  });

  test("takes a range of workers: the least of them are there at first", () => {
    expect(parseRunFlags(["--workers", "2..16"], {}).options).toEqual({
      ...DEFAULTS,
      workers: 2,
      mostWorkers: 16,
    });
    const env = { LUCIOLE_WORKERS: "3..3" };
    expect(parseRunFlags([], env).options).toEqual({ ...DEFAULTS, workers: 3, mostWorkers: 3 });
    expect(parseRunFlags(["--workers", "4"], env).options).toEqual({ ...DEFAULTS, workers: 4 });
  });

  test("reads variables, and a flag wins over its variable", () => {
    const env = { LUCIOLE_WORKERS: "7", LUCIOLE_JSON: "1", LUCIOLE_LOG_LEVEL: "warn", LUCIOLE_MEMORY: "" };
    expect(parseRunFlags(["--workers", "2"], env).options).toEqual({
      workers: 2,
      isJson: true,
      isQuiet: false,
      logLevel: "warn",
    });
  });

  test.each([
    [["--workers"], {}, "Cannot read --workers: its value is missing"],
    [["--workers", "--", "3"], {}, "Cannot read --workers: its value is missing"],
    [
      ["--workers", "0"],
      {},
      'Cannot read --workers: expected a whole number from 1 to 4096, or a range of them such as "2..16", got "0"',
    ],
    [
      ["--workers=1.5"],
      {},
      'Cannot read --workers: expected a whole number from 1 to 4096, or a range of them such as "2..16", got "1.5"',
    ],
    [
      ["--memory", "2XB"],
      {},
      'Cannot read --memory: expected a size of at least 4 MiB such as "2GiB" or "512MB", got "2XB"',
    ],
    ...["16..2", "0..4", "2..", "..4", "2...4", "2..4..8", "2..5000", "2-4"].map(
      (text): [string[], Record<string, string>, string] => [
        ["--workers", text],
        {},
        `Cannot read --workers: expected a whole number from 1 to 4096, or a range of them such as "2..16", got "${text}"`,
      ],
    ),
    [
      ["--workers=2..16"],
      { LUCIOLE_FIXED: "true" },
      "Cannot run with --fixed and --workers 2..16: the number of workers does not change then",
    ],
    [
      ["--workers", "5000"],
      {},
      'Cannot read --workers: expected a whole number from 1 to 4096, or a range of them such as "2..16", got "5000"',
    ],
    [
      ["--memory", "10"],
      {},
      'Cannot read --memory: expected a size of at least 4 MiB such as "2GiB" or "512MB", got "10"',
    ],
    [
      ["--memory", "1MB"],
      {},
      'Cannot read --memory: expected a size of at least 4 MiB such as "2GiB" or "512MB", got "1MB"',
    ],
    [
      ["--memory", "0"],
      {},
      'Cannot read --memory: expected a size of at least 4 MiB such as "2GiB" or "512MB", got "0"',
    ],
    [
      ["--master", "http://host"],
      {},
      'Cannot read --master: expected addresses such as "host:7400" or "m1,m2", got "http://host"',
    ],
    [
      ["--log-level", "loud"],
      {},
      'Cannot read --log-level: expected one of debug, info, warn, error, got "loud"',
    ],
    [["--json=yes"], {}, 'Cannot read --json: it takes no value, got "yes"'],
    [
      [],
      { LUCIOLE_WORKERS: "many" },
      'Cannot read LUCIOLE_WORKERS: expected a whole number from 1 to 4096, or a range of them such as "2..16", got "many"',
    ],
    [[], { LUCIOLE_QUIET: "maybe" }, 'Cannot read LUCIOLE_QUIET: expected true or false, got "maybe"'],
  ])("refuses %j with %j as a usage error", (argv, env, message) => {
    try {
      parseRunFlags(argv, env as Record<string, string>);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(LucioleError);
      expect((error as LucioleError).code).toBe("usage");
      expect((error as LucioleError).message).toBe(message);
    }
  });

  test("hands a program's own arguments over untouched", () => {
    const own = fc.oneof(
      fc.string().filter((text) => !text.startsWith("--")),
      fc.constantFrom("--top", "--top=5", "-n", "", "a b", "--workers-per-host", "---json"),
    );
    fc.assert(
      fc.property(fc.array(own), (argv) => {
        expect(parseRunFlags(argv, {})).toEqual({ options: DEFAULTS, rest: argv });
      }),
    );
  });
});

test("compileRunFlags() takes the flags of the command line as they are", () => {
  expect(compileRunFlags({ memory: "512MB", master: "[::1]:7400" }, { LUCIOLE_QUIET: "on" })).toEqual({
    memoryBytes: 512e6,
    isJson: false,
    isQuiet: true,
    logLevel: "info",
    cluster: { masters: ["[::1]:7400"], isPatient: true, security: { tls: {}, isInsecure: false } },
  });
});

test.each([
  ["0", 0],
  ["64k", 65536],
  ["1.5 GiB", 1.5 * 2 ** 30],
  ["512MB", 512e6],
  [" 2 tb ", 2e12],
  ["", undefined],
  ["GiB", undefined],
  ["-1", undefined],
  ["1e9", undefined],
  ["9999999TiB", undefined],
  ["constructor", undefined],
  ["1constructor", undefined],
])("parseSize(%j) is %p", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [300 * 2 ** 20, "300 MiB"],
  [2 ** 50, "1024 TiB"],
])("formatSize(%d) is %p", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});
