/**
 * A simulated driver's connection to one agent: requests one after the other, each sent again until it has arrived,
 * and the stream of events, as net/driver/agents/agent_requests.ts and agent_watch.ts have them.
 */
import type { AgentEvent } from "../../core/schedule/attempts/order.ts";
import type { Broken, Process } from "./network.ts";
import type { AgentPort, PartPort } from "./ports.ts";
import type { World } from "./world.ts";

const AGAIN_MS = 200;
export const LOST_MS = 10_000;
const RENEWALS = 5;
const MAX_REFUSALS = 4;

interface Request {
  readonly act: (part: PartPort) => void;
  readonly onError: () => void;
  readonly onDone?: () => void;
}

export interface LineOptions {
  readonly job: string;
  readonly driver: Process;
  readonly agent: AgentPort;
  readonly onEvents: (events: readonly AgentEvent[]) => void;
  readonly onLost: (cause: string) => void;
}

export class AgentLine {
  readonly agent: AgentPort;
  isThere = true;
  readonly #options: LineOptions;
  readonly #world: World;
  readonly #requests: Request[] = [];
  #isBusy = false;
  #received = 0;
  /** At the renewal before. */
  #receivedBefore = -1;
  #refusals = 0;
  #heardAt: number;

  constructor(options: LineOptions, world: World) {
    this.agent = options.agent;
    this.#options = options;
    this.#world = world;
    this.#heardAt = world.timeline.now;
    this.#open();
    this.#renewLater();
  }

  /** Queues a request behind the earlier ones. */
  queue(act: Request["act"], onError: () => void = () => undefined, onDone?: () => void): void {
    this.#requests.push({ act, onError, ...(onDone && { onDone }) });
    if (!this.#isBusy) this.#sendNext();
  }

  /** Sends a request beside the others, once. */
  send(act: (part: PartPort) => void, onDone: () => void, onBroken: () => void): void {
    this.#call<boolean>(
      (part, answer) => {
        if (part !== undefined) act(part);
        answer(part !== undefined);
      },
      (isKnown) => (isKnown ? onDone() : onBroken()),
      onBroken,
    );
  }

  leave(): void {
    this.isThere = false;
  }

  #sendNext(): void {
    const request = this.#requests.shift();
    this.#isBusy = request !== undefined;
    if (request === undefined) return;
    this.#untilThere(request, () => {
      request.onDone?.();
      this.#sendNext();
    });
  }

  #untilThere(request: Request, onDone: () => void): void {
    if (!this.isThere) {
      onDone();
      return;
    }
    this.#call<boolean>(
      (part, answer) => {
        if (part !== undefined) request.act(part);
        answer(part !== undefined);
      },
      (isKnown) => {
        if (!isKnown && this.isThere) request.onError();
        onDone();
      },
      () => this.#world.timeline.after(AGAIN_MS, () => this.#untilThere(request, onDone)),
    );
  }

  #call<Answer>(
    handle: (part: PartPort | undefined, answer: (value: Answer) => void) => void,
    onAnswer: (value: Answer) => void,
    onBroken: (broken: Broken) => void,
  ): void {
    const { agent, driver, job } = this.#options;
    this.#world.network.call<Answer>({
      from: driver,
      to: agent,
      handle: (answer) => handle(agent.forDriver(job), answer),
      onAnswer,
      onBroken,
    });
  }

  #open(): void {
    if (!this.isThere) return;
    const { driver, onEvents } = this.#options;
    const isCurrent = this.#life();
    const stream = {
      to: driver,
      onEvents: (events: readonly AgentEvent[]) => {
        if (!this.isThere || !isCurrent()) return;
        this.#heard();
        this.#received += events.length;
        onEvents(events);
      },
      onBroken: () => {
        if (isCurrent()) this.#failed({ isRefused: false }, () => this.#open());
      },
    };
    this.#call<boolean>(
      (part, answer) => answer(part?.openStream(stream, this.#received) === true),
      (isOpen) => {
        if (!isOpen) this.#lose("it does not know the job");
      },
      (broken) => this.#failed(broken, () => this.#open()),
    );
  }

  #renewLater(): void {
    const isCurrent = this.#life();
    this.#world.timeline.after(LOST_MS / RENEWALS, () => {
      if (!this.isThere || !isCurrent()) return;
      this.#call<number | undefined>(
        (part, answer) => {
          answer(part?.acknowledge(this.#received) === true ? part.told : undefined);
        },
        (told) => {
          if (told === undefined) this.#lose("it does not know the job");
          else this.#renewed(told);
        },
        (broken) => this.#failed(broken, () => undefined),
      );
      this.#renewLater();
    });
  }

  /** Events that are there, and do not come, are asked for anew. */
  #renewed(told: number): void {
    this.#heard();
    const isStuck = this.#received === this.#receivedBefore && told > this.#received;
    this.#receivedBefore = this.#received;
    if (isStuck) this.#open();
  }

  #life(): () => boolean {
    const { driver } = this.#options;
    const { life } = driver;
    return () => driver.isUp && driver.life === life;
  }

  #heard(): void {
    this.#heardAt = this.#world.timeline.now;
    this.#refusals = 0;
  }

  #failed({ isRefused }: Broken, again: () => void): void {
    if (!this.isThere) return;
    if (isRefused) this.#refusals += 1;
    const isSilent = this.#world.timeline.now - this.#heardAt >= LOST_MS;
    if (isSilent || this.#refusals >= MAX_REFUSALS) this.#lose(isSilent ? "it is silent" : "nothing listens");
    else this.#world.timeline.after(AGAIN_MS, again);
  }

  #lose(cause: string): void {
    if (!this.isThere) return;
    this.isThere = false;
    this.#options.onLost(cause);
  }
}
