/**
 * What the driver keeps of its messages with one worker: letters to it, letters of it, and which process is there.
 */
import { Intake } from "../../../core/messages/intake.ts";
import { Lane } from "../../../core/messages/lane.ts";
import type { Letter, Parcel } from "../../../core/messages/letter.ts";
import { Receipts } from "../../receipts.ts";

/** Earlier processes of a worker that are remembered: what they told late counts for nothing. */
const MAX_REPLACED = 8;

export class WorkerEnd {
  readonly worker: number;
  readonly lane: Lane;
  readonly receipts: Receipts;
  /** Nothing more is sent to it. */
  isLeaving = false;
  readonly #wake: () => void;
  readonly #replaced: string[] = [];
  #intake: Intake | undefined;
  /** Of the letters of the process that is there. */
  #heard = 0;

  /** @param wake Something is to be sent there. */
  constructor(worker: number, wake: () => void) {
    this.worker = worker;
    this.lane = new Lane(`worker ${worker}`);
    this.receipts = new Receipts(wake);
    this.#wake = wake;
  }

  wake(): void {
    this.#wake();
  }

  /** Takes what came of it; returns the letters whose turn it is, which all have to be heard. */
  take({ life, frame, receipt }: Parcel, now: number): readonly Letter[] {
    if (this.#replaced.includes(life) || this.lane.state === "gone") return [];
    const intake = this.#intake?.life === life ? this.#intake : this.#begin(life, now);
    if (receipt !== undefined) this.lane.apply({ kind: "receipt", receipt }, now);
    return frame === undefined ? [] : intake.take(frame);
  }

  /** Listeners have had its next letter. @param life Of the process that sent it. */
  heard(life: string): void {
    if (this.#intake?.life === life) this.receipts.heard(++this.#heard);
  }

  /** Of the process that is there. */
  get life(): string {
    return this.#intake?.life ?? "";
  }

  #begin(life: string, now: number): Intake {
    if (this.#intake !== undefined) this.#replaced.push(this.#intake.life);
    if (this.#replaced.length > MAX_REPLACED) this.#replaced.shift();
    const intake = new Intake(life);
    this.#intake = intake;
    this.#heard = 0;
    this.receipts.begin(intake);
    if (this.lane.apply({ kind: "joined", life }, now).length > 0) this.#wake();
    return intake;
  }
}
