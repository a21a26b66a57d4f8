/**
 * Carries mail from this agent to another one of the job: in order, each item once, however often connections break.
 *
 * One request at a time takes all that waits, up to a bound. It goes on until it is told that the other agent is gone.
 */
import { randomBytes } from "node:crypto";
import { OutgoingLine } from "../../../core/collectives/mail_line.ts";
import { ProtocolError } from "../../../core/errors.ts";
import { decode, encode } from "../../cbor.ts";
import { fields, natural } from "../../fields.ts";
import { type AgentMail, MAIL_BYTES, type Mail, mailBytes } from "../../mail.ts";
import { pause, withDeadline } from "../../pause.ts";
import { CBOR, PROTOCOL, PROTOCOL_HEADER, ROUTES, type Transport } from "../../protocol.ts";

export interface MailRelayOptions {
  readonly job: string;
  /** This agent. */
  readonly from: string;
  readonly to: string;
  readonly transportTo: (agent: string) => Transport | undefined | Promise<Transport | undefined>;
  /** Told once what keeps the mail from going, until it goes again. */
  readonly onTrouble: (text: string) => void;
}

/** Who sends more waits. */
const MAX_WAITING_BYTES = 64 * 2 ** 20;
const AGAIN_MS = 100;
const ANSWER_MS = 30_000;

export class MailRelay {
  readonly #options: MailRelayOptions;
  readonly #line = new OutgoingLine<Mail>();
  readonly #name = randomBytes(9).toString("hex");
  readonly #ended = new AbortController();
  #sending: Promise<void> | undefined;
  #isTroubled = false;
  #waiters: (() => void)[] = [];

  constructor(options: MailRelayOptions) {
    this.#options = options;
  }

  push(mail: Mail): void {
    if (this.#ended.signal.aborted) return;
    this.#line.push(mail, mailBytes(mail));
    // The rest of the batch that is being handed in goes with it.
    this.#sending ??= Promise.resolve().then(() => this.#send());
  }

  /** Resolves when more may be pushed. */
  async room(): Promise<void> {
    while (this.#line.sizeBytes > MAX_WAITING_BYTES && !this.#ended.signal.aborted) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** The other agent is gone, or the job is over: what waits is dropped. */
  end(): void {
    this.#ended.abort();
    this.#wake();
  }

  async #send(): Promise<void> {
    const { signal } = this.#ended;
    for (;;) {
      const part = this.#line.next(MAIL_BYTES);
      if (part === undefined || signal.aborted) break;
      try {
        this.#line.acknowledge(await this.#post({ from: this.#options.from, line: this.#name, ...part }));
        this.#isTroubled = false;
        this.#wake();
      } catch (error) {
        if (signal.aborted) break;
        this.#tell(error);
        await pause(AGAIN_MS, signal);
      }
    }
    this.#sending = undefined;
  }

  async #post(body: AgentMail): Promise<number> {
    const { job, to, transportTo } = this.#options;
    const transport = await transportTo(to);
    if (transport === undefined)
      throw new ProtocolError(`Cannot send mail to agent ${to}: it is not of the job`);
    const init = {
      method: "POST",
      headers: { [PROTOCOL_HEADER]: String(PROTOCOL), "content-type": CBOR },
      body: encode(body) as Uint8Array<ArrayBuffer>,
    };
    const call = async (signal: AbortSignal): Promise<number> => {
      const response = await transport.fetch(ROUTES.agentMail(job), { ...init, signal });
      const answer = new Uint8Array(await response.arrayBuffer());
      if (!response.ok)
        throw new ProtocolError(`Cannot send mail to agent ${to}: it answered ${response.status}`);
      return natural(fields(decode(answer), "body").count, "count");
    };
    return await withDeadline(ANSWER_MS, call, { name: `agent ${to}`, parent: this.#ended.signal });
  }

  #tell(error: unknown): void {
    if (this.#isTroubled) return;
    this.#isTroubled = true;
    this.#options.onTrouble(error instanceof Error ? error.message : String(error));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
