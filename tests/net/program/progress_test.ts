/** The progress display: in place on a terminal, plain lines in a pipe, JSON lines, nothing when quiet. */
import { describe, expect, test } from "bun:test";
import { createProgress, type ProgressGroup } from "../../../net/program/progress.ts";

const READ: ProgressGroup = {
  label: "read → words",
  tasks: 8,
  running: 2,
  committed: 4,
  rows: 12_000,
  bytes: 3 * 2 ** 20,
};
const DONE: ProgressGroup = { label: "source", tasks: 3, running: 0, committed: 3, rows: 5, bytes: 100 };
const WAITING: ProgressGroup = { label: "sort", tasks: 8, running: 0, committed: 0, rows: 0, bytes: 0 };
const GROUPS = [DONE, READ, WAITING];

const ESCAPE = String.fromCharCode(27);

/** What a terminal shows of what was written: understands "up n" and "clear below" only. */
class Screen {
  readonly isTTY: boolean;
  readonly columns = 60;
  readonly writes: string[] = [];

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.writes.push(text);
  }

  get lines(): string[] {
    const plain = this.writes.join("").replaceAll(`${ESCAPE}[1m`, "").replaceAll(`${ESCAPE}[22m`, "");
    const [first = "", ...later] = plain.split(ESCAPE);
    const lines = first.split("\n").slice(0, -1);
    for (const piece of later) {
      const up = /^\[(\d+)A/.exec(piece);
      if (up !== null) lines.splice(lines.length - Number(up[1]));
      else lines.push(...piece.replace(/^\[J/, "").split("\n").slice(0, -1));
    }
    return lines;
  }
}

function open(options: { isTTY: boolean; isQuiet?: boolean; isJson?: boolean }) {
  const stream = new Screen(options.isTTY);
  const clock = { ms: 0 };
  const { isQuiet = false, isJson = false } = options;
  return { stream, clock, progress: createProgress({ stream, isQuiet, isJson, now: () => clock.ms }) };
}

describe("createProgress() on a terminal", () => {
  test("draws what runs in place, and takes it away when it is closed", () => {
    const { stream, clock, progress } = open({ isTTY: true });
    clock.ms = 100;
    progress.show(GROUPS);
    expect(stream.lines).toEqual([
      "1 of 3 steps done, 7 of 19 tasks, 2 running",
      "  read → words ━━━━━━━━━━────────── 4/8  12k rows, 3.0 MiB",
    ]);
    clock.ms = 200;
    progress.show([DONE, { ...READ, committed: 8, running: 0 }, { ...WAITING, running: 1 }]);
    expect(stream.lines).toEqual([
      "2 of 3 steps done, 11 of 19 tasks, 1 running",
      "  sort ──────────────────── 0/8  0 rows, 0 B",
    ]);
    progress.close();
    expect(stream.lines).toEqual([]);
    progress.close();
    expect(stream.writes.length).toBe(3);
  });

  test("prints lines above what is drawn", () => {
    const { stream, clock, progress } = open({ isTTY: true });
    progress.print("before");
    clock.ms = 100;
    progress.show(GROUPS);
    progress.print("bad line");
    expect(stream.lines.slice(0, 3)).toEqual([
      "before",
      "bad line",
      "1 of 3 steps done, 7 of 19 tasks, 2 running",
    ]);
    expect(stream.lines.length).toBe(4);
    progress.show(undefined);
    expect(stream.lines).toEqual(["before", "bad line"]);
  });

  test("draws at most ten times a second, few lines, none wider than the terminal", () => {
    const { stream, clock, progress } = open({ isTTY: true });
    const many = Array.from({ length: 50 }, (_, i) => ({
      ...READ,
      label: `a very long label of a step ${i}`,
    }));
    for (clock.ms = 0; clock.ms < 1000; clock.ms += 5) progress.show(many);
    expect(stream.writes.length).toBe(9);
    expect(stream.lines.length).toBe(6);
    for (const line of stream.lines) expect(line.length).toBeLessThan(stream.columns);
  });

  test("cuts the names of long steps, and shows that it did", () => {
    const { stream, clock, progress } = open({ isTTY: true });
    clock.ms = 100;
    progress.show([{ ...READ, label: "range → mapShards → keyBy → sumByKey" }]);
    expect(stream.lines[1]).toStartWith("  range → mapShards → keyBy → s… ━");
  });

  test("says nothing of a run that is over at once", () => {
    const { stream, clock, progress } = open({ isTTY: true });
    clock.ms = 99;
    progress.show(GROUPS);
    progress.close();
    expect(stream.writes).toEqual([]);
  });
});

describe("createProgress() in a pipe", () => {
  test("writes a plain line every five seconds", () => {
    const { stream, clock, progress } = open({ isTTY: false });
    for (clock.ms = 0; clock.ms <= 12_000; clock.ms += 100) progress.show(GROUPS);
    progress.close();
    const line = "progress: 7 of 19 tasks done, 2 running, 12k rows, 3.0 MiB (read → words)\n";
    expect(stream.writes).toEqual([line, line]);
  });

  test("writes JSON lines every second with isJson, on a terminal too", () => {
    const { stream, clock, progress } = open({ isTTY: true, isJson: true });
    for (clock.ms = 0; clock.ms <= 2_000; clock.ms += 100) progress.show(GROUPS);
    expect(stream.writes.length).toBe(2);
    expect(JSON.parse(stream.writes[0] ?? "")).toEqual({ kind: "progress", groups: GROUPS });
  });

  test("writes nothing but printed lines with isQuiet", () => {
    const { stream, clock, progress } = open({ isTTY: true, isQuiet: true });
    clock.ms = 1e6;
    progress.show(GROUPS);
    progress.print("error");
    progress.close();
    expect(stream.writes).toEqual(["error\n"]);
  });
});
