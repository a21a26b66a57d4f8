/**
 * Carries messages to the workers of one agent: one request at a time, with all that waits when it begins.
 *
 * So a single message goes at once, and many share requests. What may not have arrived is taken anew until it has, or
 * until the agent is gone. It does not know what is carried.
 */
import { pause } from "../../pause.ts";
import type { MessagesRequest } from "../../protocol.ts";
import type { AgentClient } from "../agents/agent_client.ts";

export interface MessageCarrierOptions {
  readonly client: AgentClient;
  /** What is to be sent now; undefined when there is nothing. */
  readonly take: () => MessagesRequest | undefined;
  /** A request failed: what was taken may not have arrived. */
  readonly onBroken: () => void;
}

const AGAIN_MS = 200;

export class MessageCarrier {
  readonly #options: MessageCarrierOptions;
  readonly #stop = new AbortController();
  #isBusy = false;

  constructor(options: MessageCarrierOptions) {
    this.#options = options;
  }

  /** There is something to be taken. */
  wake(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    // Not within the call: what its caller sends next goes too.
    queueMicrotask(() => this.#carry());
  }

  /** Nothing more is sent. */
  stop(): void {
    this.#stop.abort();
  }

  async #carry(): Promise<void> {
    const { client, take, onBroken } = this.#options;
    const { signal } = this.#stop;
    for (let request = take(); request !== undefined && !signal.aborted; request = take()) {
      try {
        await client.sendMessages(request);
      } catch {
        // Whether the agent is gone is found out by those who watch it.
        if (signal.aborted) return;
        onBroken();
        await pause(AGAIN_MS, signal);
      }
    }
    this.#isBusy = false;
  }
}
