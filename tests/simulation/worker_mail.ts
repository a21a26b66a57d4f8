/**
 * The messages of one process of a simulated worker with the driver, as net/worker/worker_messages.ts has them.
 *
 * What it has not heard when it dies it never hears.
 */
import { Admission, type Sending } from "../../core/messages/admission.ts";
import { Intake } from "../../core/messages/intake.ts";
import { Lane } from "../../core/messages/lane.ts";
import type { Letter, Parcel } from "../../core/messages/letter.ts";
import { letterOf, MAIL_BOUNDS, MAIL_BYTES, numberOf } from "./mail.ts";

export class WorkerMail {
  readonly life: string;
  /** Numbers of what the program heard. */
  readonly heard: number[] = [];
  /** So many were sent: they have numbers from 0 on. */
  sent = 0;
  readonly #lane = new Lane("the driver", MAIL_BOUNDS);
  readonly #admission = new Admission<Sending>();
  readonly #intake: Intake;
  #arrived: Letter[] = [];
  #told = -1;

  constructor(life: string, now: number) {
    this.life = life;
    this.#intake = new Intake(life);
    this.#lane.apply({ kind: "joined", life }, now);
  }

  /** Letters that wait for the program. */
  get waiting(): number {
    return this.#arrived.length;
  }

  /** Nothing is on its way to the driver. */
  get isQuiet(): boolean {
    return this.#admission.waiting === 0 && this.#lane.waiting === 0;
  }

  send(now: number): void {
    this.#admission.send({ letter: letterOf(this.sent), lanes: [this.#lane], isBroadcast: false }, now);
    this.sent += 1;
  }

  take(): Parcel | undefined {
    const frame = this.#lane.take(MAIL_BYTES);
    const due = this.#intake.receipt(false);
    const receipt = due !== undefined && due.heard > this.#told ? due : undefined;
    if (frame === undefined && receipt === undefined && this.#told >= 0) return undefined;
    this.#told = Math.max(this.#told, receipt?.heard ?? 0);
    return { life: this.life, ...(frame && { frame }), ...(receipt && { receipt }) };
  }

  arrive({ life, frame, receipt }: Parcel, now: number): void {
    if (life !== this.life) return;
    if (receipt !== undefined) {
      this.#lane.apply({ kind: "receipt", receipt }, now);
      this.#admission.changed(this.#lane, now);
    }
    if (frame !== undefined) this.#arrived.push(...this.#intake.take(frame));
    this.#lane.check();
  }

  /** The program listens to what waits. */
  listen(): void {
    for (const letter of this.#arrived) this.heard.push(numberOf(letter));
    this.#arrived = [];
    this.#intake.heard(this.heard.length);
  }
}
