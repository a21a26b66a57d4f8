/**
 * What a source does with malformed records: fail with file and line, or count
 * them and keep a few samples.
 *
 * The line number is counted only when it is told, by reading the file again up to
 * the place.
 */
import { LucioleError } from "../../errors.ts";
import type { SourceSplit } from "../../plan/physical.ts";
import type { TaskReport } from "../../schedule/report.ts";
import type { TaskScope } from "../task_scope.ts";

export type FileSplit = SourceSplit & { readonly kind: "file" };

/** One malformed record. */
export interface Fault {
  /** Byte of the file from which lines are counted. */
  readonly position: number;
  /** Lines between that byte and the record. */
  readonly lines: number;
  readonly reason: string;
  /** Its first characters. */
  readonly text: string;
}

const COUNTER = "malformed lines";
const MAX_SAMPLES = 5;
/** Further into a file a sample has its byte for a line: counting lines reads all that is before. */
const MAX_COUNTED_BYTES = 64 * 2 ** 20;
const NEWLINE = 10;

/** A malformed record of a file; `located` says in which line it is. */
export class FaultError extends LucioleError {
  readonly #split: FileSplit;
  readonly #fault: Fault;

  constructor(split: FileSplit, fault: Fault) {
    super("malformed-input", `Cannot read "${split.path}": ${fault.reason}: ${fault.text}`);
    this.#split = split;
    this.#fault = fault;
  }

  /** The same error with the number of its line. */
  async located(scope: Pick<TaskScope, "ports">): Promise<LucioleError> {
    const { reason, text } = this.#fault;
    const { path } = this.#split;
    const line = await lineOf(scope, this.#split, this.#fault);
    return new LucioleError("malformed-input", `Cannot read "${path}": line ${line}: ${reason}: ${text}`, {
      fields: { path, line },
    });
  }
}

export class FaultLog {
  readonly #scope: TaskScope;
  readonly #policy: "fail" | "skip";
  readonly #samples: { readonly split: FileSplit; readonly fault: Fault }[] = [];

  constructor(scope: TaskScope, policy: "fail" | "skip" = "fail") {
    this.#scope = scope;
    this.#policy = policy;
  }

  /** @throws {FaultError} If malformed records fail. */
  add(split: FileSplit, fault: Fault): void {
    if (this.#policy === "fail") throw new FaultError(split, fault);
    this.#scope.context.count(COUNTER);
    const samples = this.#samples;
    if (samples.length >= MAX_SAMPLES) return;
    const isKnown = samples.some(
      (other) => other.split.path === split.path && other.fault.text === fault.text,
    );
    if (!isKnown) samples.push({ split, fault });
  }

  /** Puts the samples into the totals, with their lines; call at the end. */
  async close(): Promise<void> {
    const texts = [...(this.#scope.totals.samples[COUNTER] ?? [])];
    for (const { split, fault } of this.#samples) {
      const { position, reason, text } = fault;
      const place =
        position > MAX_COUNTED_BYTES
          ? `after byte ${position}`
          : `line ${await lineOf(this.#scope, split, fault)}`;
      texts.push(`${split.path}: ${place}: ${reason}: ${text}`);
    }
    if (texts.length > 0) this.#scope.totals.samples[COUNTER] = texts.slice(0, MAX_SAMPLES);
  }
}

/** What a person should know of skipped records; undefined when there were none. */
export function skippedText({ counters, samples }: TaskReport): string | undefined {
  const count = counters[COUNTER] ?? 0;
  if (count === 0) return undefined;
  const [sample] = samples[COUNTER] ?? [];
  const what = count === 1 ? "1 malformed line was" : `${count} malformed lines were`;
  return `${what} skipped${sample === undefined ? "" : `, such as ${sample}`}`;
}

/** The error of a file that cannot be read at all. */
export function fileError(split: FileSplit, cause: unknown): LucioleError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LucioleError("malformed-input", `Cannot read "${split.path}": ${reason}`, {
    cause,
    fields: { path: split.path },
  });
}

async function lineOf(
  scope: Pick<TaskScope, "ports">,
  split: FileSplit,
  { position, lines }: Fault,
): Promise<number> {
  return (await linesBefore(scope, split, position)) + lines + 1;
}

async function linesBefore(
  scope: Pick<TaskScope, "ports">,
  split: FileSplit,
  position: number,
): Promise<number> {
  if (position === 0) return 0;
  const end = split.compression === "none" ? position : split.end;
  const reader = scope.ports.openSplit({ ...split, start: 0, end });
  try {
    let lines = 0;
    for (let left = position; left > 0; ) {
      const piece = await reader.next();
      if (piece === undefined) break;
      const part = piece.subarray(0, left);
      for (let at = part.indexOf(NEWLINE); at >= 0; at = part.indexOf(NEWLINE, at + 1)) lines++;
      left -= part.length;
    }
    return lines;
  } finally {
    reader.close();
  }
}
