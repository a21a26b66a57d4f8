/**
 * The worker's end of its messages with the driver: what it sends, and what it hears.
 *
 * Nothing is sent from here: what has to travel is taken by whoever reports to the agent, many letters at a time.
 */
import { randomBytes } from "node:crypto";
import { Admission, type Decisions, type Sending } from "../../core/messages/admission.ts";
import { Intake } from "../../core/messages/intake.ts";
import { Lane } from "../../core/messages/lane.ts";
import type { Parcel, Topic } from "../../core/messages/letter.ts";
import { encodeMessage, FRAME_BYTES, refused, UNHEARD_MS } from "../messages.ts";
import { Receipts } from "../receipts.ts";
import { ACCEPTED, Acceptance } from "./acceptance.ts";
import { Inbox, type MessageListener } from "./inbox.ts";

export interface WorkerMessagesOptions {
  /** Something is to be taken, at once. */
  readonly onMail: () => void;
  /** A listener threw. */
  readonly onFailure: (topic: Topic, error: unknown) => void;
  /** See UNHEARD_MS. */
  readonly unheardMs?: number;
}

interface OwnSending extends Sending {
  readonly acceptance: Acceptance;
}

export class WorkerMessages {
  readonly #options: WorkerMessagesOptions;
  /** Names this process: the next one of the same worker has another. */
  readonly #life = randomBytes(9).toString("hex");
  readonly #lane = new Lane("the driver");
  readonly #lanes = [this.#lane];
  readonly #admission = new Admission<OwnSending>();
  readonly #intake = new Intake(this.#life);
  readonly #inbox: Inbox;
  /** Of a message that nobody awaits. */
  #refusal: Error | undefined;
  #settled: PromiseWithResolvers<void> | undefined;
  #hasIntroduced = false;
  readonly #receipts: Receipts;
  #unheardTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WorkerMessagesOptions) {
    this.#options = options;
    this.#lane.apply({ kind: "joined", life: this.#life }, performance.now());
    this.#receipts = new Receipts(options.onMail);
    this.#receipts.begin(this.#intake);
    const onHeard = (): void => this.#receipts.heard(this.#inbox.heard);
    this.#inbox = new Inbox({ onFailure: options.onFailure, onHeard });
  }

  /**
   * Sends a message: it has its place from now on.
   *
   * @returns Resolves when it is within the bound of messages under way.
   * @throws {LucioleError} code "messages-refused" when too many wait, or nobody listens.
   */
  send(message: unknown): PromiseLike<void> {
    const acceptance = new Acceptance("waiting");
    const sending = { letter: encodeMessage(message), lanes: this.#lanes, isBroadcast: false, acceptance };
    const { accepted, refused: not } = this.#admission.send(sending, performance.now());
    if (not.length > 0) throw refused("the driver", not[0].why);
    if (accepted.length === 0) return acceptance;
    this.#options.onMail();
    return ACCEPTED;
  }

  /**
   * Resolves when all that was sent has been accepted; undefined when it has.
   *
   * @throws {LucioleError} What refused a message that nobody awaits.
   */
  settled(): Promise<void> | undefined {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
    if (this.#admission.waiting === 0) return undefined;
    this.#settled ??= Promise.withResolvers();
    return this.#settled.promise.then(() => this.settled());
  }

  listen(topic: Topic, listener: MessageListener): void {
    this.#inbox.listen(topic, listener);
    this.#watchUnheard();
  }

  /** The attempt is over: its listeners hear no more, and what it sent in vain is of no interest. */
  forgetAttempt(): void {
    this.#inbox.forgetListeners();
    this.#refuse(this.#admission.close("its task has ended"));
    this.#refusal = undefined;
    this.#watchUnheard();
  }

  /** Something came of the driver. */
  hear({ life, frame, receipt }: Parcel): void {
    if (life !== this.#life) return;
    if (receipt !== undefined) {
      this.#lane.apply({ kind: "receipt", receipt }, performance.now());
      if (this.#admission.waiting > 0) this.#decide();
    }
    if (frame === undefined) return;
    this.#inbox.receive(this.#intake.take(frame));
    this.#receipts.heard(this.#inbox.heard);
    this.#watchUnheard();
  }

  /** What is to go to the driver now; undefined when there is nothing. */
  take(): Parcel | undefined {
    const frame = this.#lane.take(FRAME_BYTES);
    const receipt = this.#receipts.take();
    if (frame === undefined && receipt === undefined && this.#hasIntroduced) return undefined;
    this.#hasIntroduced = true;
    return { life: this.#life, ...(frame && { frame }), ...(receipt && { receipt }) };
  }

  close(): void {
    this.#receipts.close();
    clearTimeout(this.#unheardTimer);
  }

  #decide(): void {
    const decisions = this.#admission.changed(this.#lane, performance.now());
    for (const { acceptance } of decisions.accepted) acceptance.accept();
    this.#refuse(decisions);
    if (decisions.accepted.length > 0) this.#options.onMail();
  }

  #refuse({ refused: sendings }: Decisions<OwnSending>): void {
    for (const { sending, why } of sendings) {
      const error = refused("the driver", why);
      if (!sending.acceptance.refuse(error)) this.#refusal ??= error;
    }
    if (this.#admission.waiting > 0) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  /** Who listens late is waited for; who never does must not keep the driver waiting. */
  #watchUnheard(): void {
    if (!this.#inbox.isUnheard) {
      clearTimeout(this.#unheardTimer);
      this.#unheardTimer = undefined;
      this.#receipts.setUnheard(false);
      return;
    }
    this.#unheardTimer ??= setTimeout(() => {
      this.#receipts.setUnheard(true);
    }, this.#options.unheardMs ?? UNHEARD_MS);
  }
}
