/**
 * The mail of one simulated job on one agent, between members of gangs: to its own workers at once, to those of other
 * agents by a line for each, as net/agent/mail/agent_mail.ts and mail_relay.ts carry it.
 */
import { IncomingLine, OutgoingLine, type Part } from "../../core/collectives/mail_line.ts";
import { GangMail } from "../../net/agent/mail/gang_mail.ts";
import { mailBytes } from "../../net/mail.ts";
import type { GangLetter } from "./mail.ts";
import type { AgentPort } from "./ports.ts";
import type { World } from "./world.ts";

const AGAIN_MS = 100;
const MAIL_BYTES = 500;

interface Relay {
  /** Of this line: another one begins anew. */
  readonly name: string;
  readonly line: OutgoingLine<GangLetter>;
  isSending: boolean;
}

export interface GangPostOptions {
  readonly job: string;
  readonly agent: AgentPort;
  /** Gives a letter to the process of a worker. */
  readonly hand: (worker: number, mail: GangLetter) => void;
}

export class GangPost {
  readonly boxes: GangMail;
  readonly #options: GangPostOptions;
  readonly #world: World;
  readonly #relays = new Map<string, Relay>();
  readonly #incoming = new Map<string, IncomingLine<GangLetter>>();
  readonly #gone = new Set<string>();
  #isClosed = false;

  constructor(options: GangPostOptions, world: World) {
    this.#options = options;
    this.#world = world;
    this.boxes = new GangMail((worker, mail) => options.hand(worker, mail as GangLetter));
  }

  send(mail: GangLetter): void {
    const { agent } = this.#options;
    if (mail.agent === agent.name) {
      this.boxes.deliver(mail.worker, mail);
      return;
    }
    if (this.#isClosed || this.#gone.has(mail.agent)) return;
    const relay = this.#relays.get(mail.agent) ?? {
      name: `${agent.name} ${agent.life} ${this.#world.timeline.steps}`,
      line: new OutgoingLine(),
      isSending: false,
    };
    this.#relays.set(mail.agent, relay);
    relay.line.push(mail, mailBytes(mail));
    if (!relay.isSending) this.#carry(mail.agent, relay);
  }

  /** Takes what another agent sends on a line, and what it sends again, once. @returns How many items have come of it. */
  receive(name: string, part: Part<GangLetter>): number {
    const line = this.#incoming.get(name) ?? new IncomingLine();
    this.#incoming.set(name, line);
    for (const mail of line.take(part)) this.boxes.deliver(mail.worker, mail);
    return line.count;
  }

  welcome(agents: readonly string[]): void {
    for (const agent of agents) this.#gone.delete(agent);
  }

  drop(agent: string): void {
    this.#gone.add(agent);
    this.#relays.delete(agent);
  }

  close(): void {
    this.#isClosed = true;
    this.#relays.clear();
  }

  #carry(to: string, relay: Relay): void {
    const { agent, job } = this.#options;
    const part = relay.line.next(MAIL_BYTES);
    relay.isSending = part !== undefined;
    const node = this.#world.agents.get(to);
    if (part === undefined || node === undefined) return;
    const { life } = agent;
    const again = (): void =>
      this.#world.timeline.after(AGAIN_MS, () => {
        if (agent.life === life && this.#relays.get(to) === relay) this.#carry(to, relay);
      });
    this.#world.network.call<number | undefined>({
      from: agent,
      to: node,
      handle: (answer) => answer(node.jobs.get(job)?.receiveMail(relay.name, part)),
      onAnswer: (count) => {
        if (this.#relays.get(to) !== relay) return;
        if (count === undefined) again();
        else if (this.#acknowledge(relay, count)) this.#carry(to, relay);
        else again();
      },
      onBroken: again,
    });
  }

  /** False when it is another end that has answered. */
  #acknowledge({ line }: Relay, count: number): boolean {
    try {
      line.acknowledge(count);
      return true;
    } catch {
      return false;
    }
  }
}
