/**
 * Bounds the log lines that one worker may send in a second.
 *
 * What is over the bound is counted, and the count told once the second is over.
 */

export interface LogGuardOptions {
  readonly onLine: (line: string) => void;
  /** Told after a second in which lines were dropped. */
  readonly onDropped: (lines: number, bytes: number) => void;
  readonly linesPerSecond?: number;
  readonly bytesPerSecond?: number;
}

const WINDOW_MS = 1000;

export class LogGuard {
  readonly #options: LogGuardOptions;
  readonly #maxLines: number;
  readonly #maxBytes: number;
  #lines = 0;
  #bytes = 0;
  #droppedLines = 0;
  #droppedBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LogGuardOptions) {
    this.#options = options;
    this.#maxLines = options.linesPerSecond ?? 1000;
    this.#maxBytes = options.bytesPerSecond ?? 1024 * 1024;
  }

  line(text: string): void {
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS);
    if (this.#lines >= this.#maxLines || this.#bytes >= this.#maxBytes) {
      this.#droppedLines++;
      this.#droppedBytes += text.length;
      return;
    }
    this.#lines++;
    this.#bytes += text.length;
    this.#options.onLine(text);
  }

  /** Ends the second at hand: tells what was dropped. Call it after the last line. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lines = 0;
    this.#bytes = 0;
    if (this.#droppedLines === 0) return;
    this.#options.onDropped(this.#droppedLines, this.#droppedBytes);
    this.#droppedLines = 0;
    this.#droppedBytes = 0;
  }
}
