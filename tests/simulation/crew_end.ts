/**
 * What a simulated driver keeps of its messages with one worker, as net/driver/members/worker_end.ts does; and whether what
 * both heard in the end is what was sent.
 */
import type { WorkerInfo } from "../../core/job/worker_info.ts";
import { Intake } from "../../core/messages/intake.ts";
import { Lane } from "../../core/messages/lane.ts";
import type { Parcel } from "../../core/messages/letter.ts";
import { MAIL_BOUNDS, MAIL_BYTES, numberOf } from "./mail.ts";
import type { WorkerMail } from "./worker_mail.ts";

export class CrewEnd {
  readonly info: WorkerInfo;
  readonly lane: Lane;
  isLeaving = false;
  /** Numbers of the messages that it is to hear. */
  readonly accepted: number[] = [];
  /** What was heard of each of its processes. */
  readonly #heard = new Map<string, number[]>();
  readonly #replaced = new Set<string>();
  #intake: Intake | undefined;
  #told = -1;

  constructor(info: WorkerInfo) {
    this.info = info;
    this.lane = new Lane(`worker ${info.worker}`, MAIL_BOUNDS);
  }

  get worker(): number {
    return this.info.worker;
  }

  get agent(): string {
    return this.info.agent;
  }

  /** @throws When it overtakes one that was sent before, or there was no room. */
  accept(number: number): void {
    if (number <= (this.accepted.at(-1) ?? -1))
      throw new Error(`message ${number} overtakes ${this.accepted.at(-1)}`);
    if (this.lane.waiting > MAIL_BOUNDS.letters)
      throw new Error(`${this.lane.waiting} messages are under way`);
    this.accepted.push(number);
  }

  arrive({ life, frame, receipt }: Parcel, now: number): void {
    if (this.#replaced.has(life) || this.lane.state === "gone") return;
    const intake = this.#intake?.life === life ? this.#intake : this.#begin(life, now);
    if (receipt !== undefined) this.lane.apply({ kind: "receipt", receipt }, now);
    this.lane.check();
    const heard = this.#heard.get(life) ?? [];
    if (frame !== undefined) heard.push(...intake.take(frame).map(numberOf));
    this.#heard.set(life, heard);
    intake.heard(heard.length);
  }

  take(): Parcel | undefined {
    const frame = this.lane.take(MAIL_BYTES);
    const due = this.#intake?.receipt(false);
    const receipt = due !== undefined && due.heard > this.#told ? due : undefined;
    if (frame === undefined && receipt === undefined) return undefined;
    this.#told = Math.max(this.#told, receipt?.heard ?? 0);
    return { life: this.#intake?.life ?? "", ...(frame && { frame }), ...(receipt && { receipt }) };
  }

  broken(now: number): void {
    this.lane.apply({ kind: "broken" }, now);
    this.#told = -1;
  }

  /** @param refused Messages that nobody may have heard. @throws When somebody heard something else than it had to. */
  check(mails: readonly WorkerMail[], refused: ReadonlySet<number>): void {
    let furthest = -1;
    for (const mail of mails) {
      const first = mail.heard.length === 0 ? 0 : this.accepted.indexOf(mail.heard[0]);
      const should = this.accepted.slice(first, first + mail.heard.length);
      if (first < 0 || first > furthest + 1 || `${mail.heard}` !== `${should}`)
        throw new Error(`${this.lane.name} (${mail.life}) heard ${mail.heard} of ${this.accepted}`);
      if (mail.heard.some((number) => refused.has(number)))
        throw new Error(`${this.lane.name} heard what was refused: ${mail.heard}`);
      furthest = Math.max(furthest, first + mail.heard.length - 1);
      const heard = this.#heard.get(mail.life) ?? [];
      const isWhole = mail !== mails.at(-1) || this.lane.state === "gone" || heard.length === mail.sent;
      if (heard.some((number, i) => number !== i) || heard.length > mail.sent || !isWhole)
        throw new Error(`of ${mail.sent} messages of ${mail.life} the driver heard ${heard}`);
    }
    if (this.lane.state !== "gone" && furthest < this.accepted.length - 1)
      throw new Error(`${this.lane.name} heard ${furthest + 1} of ${this.accepted.length} messages`);
  }

  #begin(life: string, now: number): Intake {
    if (this.#intake !== undefined) this.#replaced.add(this.#intake.life);
    const intake = new Intake(life);
    this.#intake = intake;
    this.#told = -1;
    this.lane.apply({ kind: "joined", life }, now);
    return intake;
  }
}
