/**
 * Requests to the agents of a job: to each of them one after the other, in the order of the commands.
 *
 * One that may not have arrived is sent again until it has, or until the agent is gone: agents ignore what they know.
 * It does not know what is asked.
 */
import { LucioleError } from "../../../core/errors.ts";
import { pause } from "../../pause.ts";
import { UNREACHABLE } from "../../tcp_transport.ts";
import type { AgentClient } from "./agent_client.ts";

const AGAIN_MS = 200;

interface Line {
  readonly client: AgentClient;
  /** The last request; the next one waits for it. */
  last: Promise<void>;
}

export class AgentRequests {
  readonly #lines = new Map<string, Line>();
  #isEnding = false;

  get clients(): readonly AgentClient[] {
    return [...this.#lines.values()].map(({ client }) => client);
  }

  find(agent: string): AgentClient | undefined {
    return this.#lines.get(agent)?.client;
  }

  add(client: AgentClient): void {
    this.#lines.set(client.id, { client, last: Promise.resolve() });
  }

  /** The agent is gone: what is asked of it is lost with it. */
  remove(agent: string): void {
    this.#lines.get(agent)?.client.leave();
    this.#lines.delete(agent);
  }

  /** From now on nothing more is sent, and failures tell nothing. */
  beginEnd(): void {
    this.#isEnding = true;
  }

  /** Queues a request behind the agent's earlier ones. */
  queue(
    agent: string,
    send: (client: AgentClient) => Promise<void>,
    onError: (error: unknown) => void = () => undefined,
  ): void {
    const line = this.#lines.get(agent);
    if (line === undefined) return;
    line.last = line.last
      // The end of the job does what is left to ask for.
      .then(() => (this.#isEnding ? undefined : this.#untilThere(line.client, send)))
      .catch((error) => {
        if (!this.#isEnding && this.#isThere(line.client)) onError(error);
      });
  }

  /** Resolves when every request has its answer. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#lines.values()].map(({ last }) => last));
  }

  async #untilThere(client: AgentClient, send: (client: AgentClient) => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await send(client);
        return;
      } catch (error) {
        const isUnreachable = error instanceof LucioleError && error.code === UNREACHABLE;
        if (!isUnreachable || this.#isEnding || !this.#isThere(client)) throw error;
      }
      await pause(AGAIN_MS);
    }
  }

  #isThere(client: AgentClient): boolean {
    return this.#lines.get(client.id)?.client === client;
  }
}
