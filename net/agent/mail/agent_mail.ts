/**
 * The mail of one job on one agent: between its own workers at once, to those of other agents by a relay for each.
 *
 * It does not look into letters. Bounded by what members of a gang may send before the others take it.
 */
import { IncomingLine } from "../../../core/collectives/mail_line.ts";
import type { AgentMail, AgentMailReply, Mail } from "../../mail.ts";
import { MailRelay, type MailRelayOptions } from "./mail_relay.ts";

export interface AgentMailboxOptions {
  readonly job: string;
  readonly agent: string;
  readonly transportTo: MailRelayOptions["transportTo"];
  /** Hands a letter to a worker of this agent; nothing happens when it is gone. */
  readonly deliver: (worker: number, mail: Mail) => void;
  readonly onTrouble: (text: string) => void;
}

/** Of one agent, each time that it was started anew; those before them send nothing any more. */
const MAX_LINES = 8;

export class AgentMailbox {
  readonly #options: AgentMailboxOptions;
  readonly #relays = new Map<string, MailRelay>();
  /** By agent and line: requests of an earlier line may come late, and are no part of the one at hand. */
  readonly #incoming = new Map<string, Map<string, IncomingLine<Mail>>>();
  readonly #gone = new Set<string>();
  #isClosed = false;

  constructor(options: AgentMailboxOptions) {
    this.#options = options;
  }

  /** Takes what a worker of this agent sends; resolves when it may send more. */
  async send(mail: readonly Mail[]): Promise<void> {
    const { agent: own, deliver } = this.#options;
    const relays = new Set<MailRelay>();
    for (const letter of mail) {
      if (letter.agent === own) {
        deliver(letter.worker, letter);
        continue;
      }
      const relay = this.#relayTo(letter.agent);
      relay?.push(letter);
      if (relay !== undefined) relays.add(relay);
    }
    for (const relay of relays) await relay.room();
  }

  /** Takes what another agent sends, and what it sends again, once. */
  receive(part: AgentMail): AgentMailReply {
    const line = this.#lineOf(part);
    for (const letter of line.take(part)) this.#options.deliver(letter.worker, letter);
    return { count: line.count };
  }

  /** These are agents of the job: one that was gone may be there again, started anew. */
  welcome(agents: readonly string[]): void {
    for (const agent of agents) this.#gone.delete(agent);
  }

  /** Another agent is gone. */
  drop(agent: string): void {
    this.#gone.add(agent);
    this.#relays.get(agent)?.end();
    this.#relays.delete(agent);
    // Not what has come of it: it may be there again, started anew, and have sent something before this is told.
  }

  close(): void {
    this.#isClosed = true;
    for (const relay of this.#relays.values()) relay.end();
    this.#relays.clear();
  }

  #lineOf({ from, line: name }: AgentMail): IncomingLine<Mail> {
    const lines = this.#incoming.get(from) ?? new Map<string, IncomingLine<Mail>>();
    this.#incoming.set(from, lines);
    const line = lines.get(name) ?? new IncomingLine<Mail>();
    lines.set(name, line);
    const [oldest] = lines.keys();
    if (lines.size > MAX_LINES) lines.delete(oldest);
    return line;
  }

  #relayTo(agent: string): MailRelay | undefined {
    if (this.#isClosed || this.#gone.has(agent)) return undefined;
    let relay = this.#relays.get(agent);
    if (relay === undefined) {
      const { job, agent: from, transportTo, onTrouble } = this.#options;
      relay = new MailRelay({ job, from, to: agent, transportTo, onTrouble });
      this.#relays.set(agent, relay);
    }
    return relay;
  }
}
