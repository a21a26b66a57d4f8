/**
 * Why a driver's process failed, as one line: what it said last of it, or how it ended.
 */
import { constants } from "node:os";
import type { DriverExit } from "../../../core/agent/driver_life.ts";
import { describeExit, type ProcessExit } from "../../runtime/spawn.ts";
import { lastWords } from "../workers/last_words.ts";

const MAX_LINES = 60;
const MAX_LENGTH = 1000;
const SAID = "error: ";
const OF_SIGNALS = 128;

/** The last lines that it wrote to its stderr. */
export class LastLines {
  readonly #lines: string[] = [];

  add(line: string): void {
    if (this.#lines.push(line.slice(0, MAX_LENGTH)) > MAX_LINES) this.#lines.shift();
  }

  /** What came of the process. */
  exitOf(exit: ProcessExit): DriverExit {
    const { code, signal } = exit;
    const number = signal === undefined ? undefined : signalNumber(signal);
    const exitCode = code ?? (number === undefined ? 1 : OF_SIGNALS + number);
    const words = code === undefined ? lastWords(this.#lines) : this.#told();
    const how = `its driver ${describeExit(exit)}`;
    if (words === undefined) return { exitCode, cause: how };
    return { exitCode, cause: code === undefined ? `${how}: ${words}` : words };
  }

  #told(): string | undefined {
    for (const line of this.#lines.toReversed()) {
      if (line.startsWith(SAID)) return line.slice(SAID.length);
      const message = messageOf(line);
      if (message !== undefined) return message;
    }
    return lastWords(this.#lines);
  }
}

/** Of what `--json` prints of a failure. */
function messageOf(line: string): string | undefined {
  if (!line.startsWith('{"kind":"failed"')) return undefined;
  try {
    return String(JSON.parse(line).error.message).slice(0, MAX_LENGTH);
  } catch {
    // It was cut short.
    return undefined;
  }
}

function signalNumber(signal: string): number | undefined {
  return Object.entries(constants.signals).find(([name]) => name === signal)?.[1];
}
