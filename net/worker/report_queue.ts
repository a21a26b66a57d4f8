/**
 * What a worker has to tell its agent while a task runs, gathered to few requests.
 *
 * Mail to the driver goes at once, or with the request after the one under way; log lines soon, progress a few times a second. What is not
 * sent when the task ends travels with the next `next` request, so a short task
 * costs no request of its own.
 */
import type { Parcel } from "../../core/messages/letter.ts";
import type { TaskReport } from "../../core/schedule/report.ts";
import type { WorkerReport } from "../protocol.ts";

export type SendReports = (events: readonly WorkerReport[]) => Promise<void>;

const PERIOD_MS = 250;
const MAX_WAITING_LOGS = 2000;

export class ReportQueue {
  readonly #send: SendReports;
  readonly #takeMail: () => Parcel | undefined;
  #events: WorkerReport[] = [];
  #progress: { readonly attempt: string; readonly totals: TaskReport } | undefined;
  #isHurried = false;
  #droppedLogs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  #lastSent = performance.now();

  /** @param takeMail What is to go to the driver, a part of it at a time; undefined when there is no more. */
  constructor(send: SendReports, takeMail: () => Parcel | undefined) {
    this.#send = send;
    this.#takeMail = takeMail;
  }

  /** There is something that is not to wait: all that is here goes with it. */
  hurry(): void {
    if (this.#isHurried) return;
    this.#isHurried = true;
    // Not within the call: what its caller tells next goes too.
    if (this.#sending === undefined) queueMicrotask(() => this.#flush());
  }

  /** Goes with the next request, or at once. */
  tell(event: Extract<WorkerReport, { kind: "ended" | "returned" }>, isUrgent: boolean): void {
    this.#events.push(event);
    if (isUrgent) this.hurry();
  }

  log(event: Extract<WorkerReport, { kind: "log" }>): void {
    if (this.#events.length >= MAX_WAITING_LOGS) {
      this.#droppedLogs++;
      return;
    }
    this.#events.push(event);
    this.#schedule(this.#rest());
  }

  progress(attempt: string, totals: TaskReport): void {
    this.#progress = { attempt, totals };
    this.#schedule(PERIOD_MS);
  }

  /** Takes what is left, once nothing is under way; the totals of the ended attempt travel in its result. */
  async drain(): Promise<readonly WorkerReport[]> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#progress = undefined;
    while (this.#sending !== undefined) await this.#sending;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#take();
    for (let parcel = this.#takeMail(); parcel !== undefined; parcel = this.#takeMail()) {
      events.push({ kind: "parcel", parcel });
    }
    this.#isHurried = false;
    return events;
  }

  #rest(): number {
    return Math.max(0, PERIOD_MS - (performance.now() - this.#lastSent));
  }

  #schedule(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, delayMs);
  }

  #flush(): void {
    if (this.#sending !== undefined) return;
    const events = this.#take();
    if (events.length === 0) return;
    this.#lastSent = performance.now();
    this.#sending = this.#send(events).then(() => {
      this.#sending = undefined;
      if (this.#isHurried) this.#flush();
      else if (this.#events.length > 0) this.#schedule(this.#rest());
    });
  }

  #take(): WorkerReport[] {
    this.#isHurried = false;
    const events = this.#events;
    this.#events = [];
    const parcel = this.#takeMail();
    if (parcel !== undefined) {
      events.push({ kind: "parcel", parcel });
      // There may be more of it.
      this.#isHurried = true;
    }
    if (this.#droppedLogs > 0) {
      const text = `${this.#droppedLogs} log lines were dropped: too many at once`;
      events.push({ kind: "log", level: "warn", text });
      this.#droppedLogs = 0;
    }
    if (this.#progress !== undefined) events.push({ kind: "progress", ...this.#progress });
    this.#progress = undefined;
    return events;
  }
}
