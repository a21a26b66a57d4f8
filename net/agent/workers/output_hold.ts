/**
 * Holds back the lines of a worker that say in many words what the cause of its end says in one.
 *
 * They are those of a worker that never comes to ask for work, and the runtime's report of its own crash: that is
 * written by a thread of its own, so the program may go on for a moment, and end its attempt, while it comes. It
 * knows nothing of processes.
 */

/** Lines that are held back at most, until it is known whether they matter. */
const MAX_HELD = 200;
/** The head of Bun's report has two lines; either may also be a line of the program's. */
const REPORT_RULE = /^={20,}$/;
const REPORT_VERSION = /^Bun v\d/;
const ASSERTION = /^ASSERTION FAILED: /;

export class OutputHold {
  readonly #show: (line: string) => void;
  #state: "starting" | "open" | "rule" | "report" = "starting";
  #held: string[] = [];

  constructor(show: (line: string) => void) {
    this.#show = show;
  }

  /** It asked for work: what it printed and prints is the program's own, unless it is the report of a crash. */
  started(): void {
    if (this.#state !== "report") this.#open();
  }

  line(line: string): void {
    if (this.#state === "rule") {
      if (REPORT_VERSION.test(line)) this.#state = "report";
      else this.#open();
    }
    if (this.#state === "open") {
      if (ASSERTION.test(line)) this.#state = "report";
      else if (REPORT_RULE.test(line)) this.#state = "rule";
    }
    if (this.#state === "open") this.#show(line);
    else if (this.#held.push(line) > MAX_HELD) this.#open();
  }

  /** It is gone, and with it what it never came to; a line that only looked like a report is the program's. */
  ended(): void {
    if (this.#state === "rule") this.#open();
  }

  #open(): void {
    this.#state = "open";
    const held = this.#held;
    this.#held = [];
    for (const line of held) this.#show(line);
  }
}
