/**
 * Runs `bun test` for scripts/test with the arguments that are given, shows what it prints, and tells at the end which
 * tests failed and why: whoever sees only the end of a long output needs no more. The last line counts them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Of a test that hangs. One that never gives the processor back ends with the whole run only. */
const TEST_MS = 60_000;
const MAX_FAILURES = 20;
const MAX_LINES = 20;
const MAX_CHARACTERS = 1_500;
const KEPT_CHARACTERS = 4_000_000;
/** For a runner that was told to end, and for the rest of what it printed: what a test left running may hold the stream. */
const END_MS = 5_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

const CASE =
  /<testcase name="([^"]*)" classname="([^"]*)"[^>]* file="([^"]*)"(?: line="(\d+)")?[^>]*>\s*<(?:failure|error)\b([^>]*)>/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
/** Errors outside of all tests, which the report does not have. */
const OUTSIDE = /^# Unhandled error between tests\n-+\n([\s\S]*?)\n-+$/gm;

/** The tests of the runner's report that failed. */
function failuresOf(report: string): readonly string[] {
  return [...report.matchAll(CASE)].map(([, name, group, file, line, told]) => {
    const title = [group, name].filter((word) => word !== "").join(" > ");
    const message = /\bmessage="([^"]*)"/.exec(told ?? "")?.[1] ?? "";
    return failure(plain(line === undefined ? file : `${file}:${line}`), plain(title), plain(message));
  });
}

function errorsOutside(printed: string): readonly string[] {
  return [...printed.matchAll(OUTSIDE)].map((match) =>
    failure(lastFile(printed.slice(0, match.index)), "an error outside of its tests", match[1]),
  );
}

function failure(place: string, title: string, message: string): string {
  const lines = message.split("\n").filter((line) => line.trim() !== "");
  const shown = lines.slice(0, MAX_LINES).join("\n  ").slice(0, MAX_CHARACTERS);
  return `failed: ${place}: ${title}\n  ${shown}`;
}

function plain(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code, name) =>
    code === undefined ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

/** The runner names a file before it loads it. */
function lastFile(printed: string): string {
  return (
    printed
      .match(/^\S+_test\.ts:$/gm)
      ?.at(-1)
      ?.slice(0, -1) ?? "before any test"
  );
}

function countIn(report: string, name: string): number {
  const head = /<testsuites\b[^>]*>/.exec(report)?.[0] ?? "";
  return Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
}

/** @param end Of a runner that did not say by itself that all is well. @returns Whether all is well. */
function sumUp(report: string, printed: string, end: string | undefined): boolean {
  const told = [...failuresOf(report), ...errorsOutside(printed)];
  const passed = countIn(report, "tests") - countIn(report, "failures") - countIn(report, "skipped");
  const isWhole = report !== "" && passed > 0;
  if (!isWhole || (told.length === 0 && end !== undefined)) {
    const last = printed.trimEnd().split("\n").slice(-MAX_LINES).join("\n");
    told.push(failure(lastFile(printed), `the runner ${end ?? "ran no test"}`, last));
  }
  const failed = Math.max(told.length, countIn(report, "failures") + countIn(report, "errors"));
  console.log(["", ...told.slice(0, MAX_FAILURES)].join("\n"));
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

/** Of a runner that crashed or was ended there is none. */
function readReport(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function main(): void {
  const scratch = mkdtempSync(join(tmpdir(), "luciole-tests-"));
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  const path = join(scratch, "report.xml");
  const reporter = ["--reporter=junit", `--reporter-outfile=${path}`];
  const args = ["test", "--timeout", String(TEST_MS), ...reporter, ...process.argv.slice(2)];
  const color = process.stderr.isTTY ? { FORCE_COLOR: "1" } : {};
  const env = { ...process.env, ...color };
  let child: ChildProcess | undefined;
  let signalled: keyof typeof SIGNALS | undefined;
  // Before the runner is there: whoever sees it may end both.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      signalled = signal;
      child?.kill(signal);
      setTimeout(() => child?.kill("SIGKILL"), END_MS).unref();
    });
  }
  child = spawn("node_modules/.bin/bun", args, { stdio: ["inherit", "inherit", "pipe"], env });
  const runner = child;
  let printed = "";
  runner.stderr?.on("data", (bytes: Buffer) => {
    process.stderr.write(bytes);
    printed = (printed + bytes.toString()).slice(-KEPT_CHARACTERS);
  });
  const end = (): never => {
    const by = signalled ?? runner.signalCode;
    const told = by === null ? `exited with code ${runner.exitCode}` : `was ended by ${by}`;
    const isWell = sumUp(readReport(path), printed, runner.exitCode === 0 ? undefined : told);
    // The runner may end of a signal to both before it is heard here.
    const asked = [signalled, runner.signalCode].find((name) => name === "SIGINT" || name === "SIGTERM");
    if (asked !== undefined) process.exit(SIGNALS[asked]);
    const isInterrupted = runner.exitCode === SIGNALS.SIGINT || runner.exitCode === SIGNALS.SIGTERM;
    process.exit(isInterrupted ? runner.exitCode : Number(!isWell));
  };
  runner.on("exit", () => setTimeout(end, END_MS));
  runner.on("close", end);
}

main();
