/**
 * Shows the progress of executions on stderr: a few lines in place on a terminal, a plain
 * line every few seconds in a pipe, JSON lines for machines.
 *
 * Never touches stdout, which is for results. Holds no timer: it draws when it is told
 * something new and enough time has passed.
 */
import process from "node:process";
import { styleText } from "node:util";
import { formatSize } from "../../core/program/size.ts";

export interface ProgressGroup {
  readonly label: string;
  readonly tasks: number;
  readonly running: number;
  readonly committed: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly isQuiet: boolean;
  readonly isJson: boolean;
  /** Default stderr. */
  readonly stream?: ProgressStream;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

export interface Progress {
  /** Takes the state of an execution and draws it if it is time; undefined takes away what is drawn. */
  show(groups: readonly ProgressGroup[] | undefined): void;
  /** Writes a line of its own, above what is drawn in place. */
  print(line: string): void;
  /** Takes away what is drawn, before results and at the end. */
  close(): void;
}

const TERMINAL_MS = 100;
const LINES_MS = 5_000;
const JSON_MS = 1_000;
const MAX_LINES = 6;
const BAR_CELLS = 20;
const DEFAULT_COLUMNS = 80;

/** Chooses the display that fits the stream and the flags. */
export function createProgress(options: ProgressOptions): Progress {
  const { isQuiet, isJson, stream = process.stderr, now = () => performance.now() } = options;
  const print = (line: string) => void stream.write(`${line}\n`);
  if (isQuiet) return { show: () => {}, print, close: () => {} };
  if (!isJson && stream.isTTY === true) return createTerminalProgress(stream, now);
  const isDue = createThrottle(isJson ? JSON_MS : LINES_MS, now);
  const describe = isJson ? describeAsJson : describeInOneLine;
  return {
    show: (groups) => {
      if (groups !== undefined && isDue()) print(describe(groups));
    },
    print,
    close: () => {},
  };
}

function createTerminalProgress(stream: ProgressStream, now: () => number): Progress {
  const isDue = createThrottle(TERMINAL_MS, now);
  let drawn = "";
  let height = 0;
  const erase = () => (height === 0 ? "" : `\r\x1b[${height}A\x1b[J`);
  // Erasing and drawing is one write: a terminal that repaints in between would flicker.
  const draw = (lines: readonly string[]) => {
    if (height === 0 && lines.length === 0) return;
    const before = erase();
    drawn = lines.map((line) => `${line}\n`).join("");
    height = lines.length;
    stream.write(before + drawn);
  };
  return {
    show: (groups) => {
      if (groups === undefined) draw([]);
      else if (isDue()) draw(renderTerminal(groups, stream.columns ?? DEFAULT_COLUMNS));
    },
    print: (line) => void stream.write(`${erase()}${line}\n${drawn}`),
    close: () => draw([]),
  };
}

/** A head line, then the groups at work; what is done or waits is only counted. */
function renderTerminal(groups: readonly ProgressGroup[], columns: number): string[] {
  const total = sum(groups);
  const done = groups.filter(isDone).length;
  const head = `${done} of ${groups.length} steps done, ${total.committed} of ${total.tasks} tasks, ${total.running} running`;
  const active = groups.filter((group) => !isDone(group) && (group.running > 0 || group.committed > 0));
  const shown = active.slice(0, MAX_LINES - 1);
  const width = Math.min(30, Math.max(0, ...shown.map((group) => group.label.length)));
  return [
    styleText("bold", head.slice(0, columns - 1), { validateStream: false }),
    ...shown.map((group) => {
      const filled = group.tasks === 0 ? 0 : Math.round((group.committed / group.tasks) * BAR_CELLS);
      const bar = "━".repeat(filled).padEnd(BAR_CELLS, "─");
      const label = (group.label.length > width ? `${group.label.slice(0, width - 1)}…` : group.label).padEnd(
        width,
      );
      return `  ${label} ${bar} ${group.committed}/${group.tasks}  ${amounts(group)}`.slice(0, columns - 1);
    }),
  ];
}

function describeInOneLine(groups: readonly ProgressGroup[]): string {
  const total = sum(groups);
  const running = groups.filter((group) => group.running > 0).map((group) => group.label);
  const at = running.length === 0 ? "" : ` (${running.slice(0, 3).join(", ")})`;
  return `progress: ${total.committed} of ${total.tasks} tasks done, ${total.running} running, ${amounts(total)}${at}`;
}

function describeAsJson(groups: readonly ProgressGroup[]): string {
  return JSON.stringify({ kind: "progress", groups });
}

function amounts(group: { readonly rows: number; readonly bytes: number }): string {
  return `${formatCount(group.rows)} rows, ${formatSize(group.bytes)}`;
}

function formatCount(count: number): string {
  if (count < 10_000) return String(count);
  if (count < 1e6) return `${(count / 1e3).toFixed(0)}k`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)}M` : `${(count / 1e9).toFixed(1)}G`;
}

function isDone(group: ProgressGroup): boolean {
  return group.committed === group.tasks;
}

function sum(groups: readonly ProgressGroup[]): Omit<ProgressGroup, "label"> {
  const total = { tasks: 0, running: 0, committed: 0, rows: 0, bytes: 0 };
  for (const group of groups) {
    total.tasks += group.tasks;
    total.running += group.running;
    total.committed += group.committed;
    total.rows += group.rows;
    total.bytes += group.bytes;
  }
  return total;
}

/** Says yes at most once in the interval, and not before its end: short runs stay silent. */
function createThrottle(intervalMs: number, now: () => number): () => boolean {
  let last = now();
  return () => {
    const isDue = now() - last >= intervalMs;
    if (isDue) last = now();
    return isDue;
  };
}
