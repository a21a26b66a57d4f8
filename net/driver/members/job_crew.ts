/**
 * The workers of a job, and the messages with them: sorts what they tell, and what is told of them, to both.
 */
import type { WorkerInfo } from "../../../core/job/worker_info.ts";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import type { AgentClient } from "../agents/agent_client.ts";
import { DriverMessages } from "./driver_messages.ts";
import { tellEpoch } from "./epoch_news.ts";
import { JobMembers } from "./job_members.ts";

/** Events that are about a worker, not about what it works on. */
type WorkerEvent = Extract<
  AgentEvent,
  { readonly kind: "parcel" | "workerStarted" | "workerExited" | "workerLeft" }
>;

export class JobCrew {
  readonly messages = new DriverMessages();
  readonly members: JobMembers;
  /** What workers told before it was known here that they are being started. */
  #early: { readonly agent: string; readonly event: WorkerEvent }[] = [];
  /** The agent of each worker that is not gone. */
  readonly #agents = new Map<number, string>();

  /** @param onEpoch Told of the workers of each epoch that begins, before they are. */
  constructor(onEpoch: (epoch: number, workers: readonly WorkerInfo[]) => void) {
    this.members = new JobMembers((command) => {
      if (command.kind === "epochBegan") onEpoch(command.epoch, command.workers);
      tellEpoch(this.messages, command);
    });
  }

  add(workers: readonly WorkerInfo[], clients: readonly AgentClient[]): void {
    for (const client of clients) {
      const own = workers.filter(({ agent }) => agent === client.id);
      const numbers = own.map(({ worker }) => worker);
      this.messages.add(client, numbers);
    }
    for (const { worker, agent } of workers) this.#agents.set(worker, agent);
    this.members.add(workers);
    const early = this.#early;
    const isExpected = ({ event }: (typeof early)[number]): boolean => this.members.isExpected(event.worker);
    this.#early = early.filter(isExpected);
    for (const told of early) if (!isExpected(told)) void this.hear(told.agent, told.event);
  }

  /** Resolves when the program has heard it, where that is to be waited for. */
  hear(agent: string, event: WorkerEvent): Promise<void> | undefined {
    const { worker } = event;
    if (this.members.isExpected(worker)) {
      this.#early.push({ agent, event });
      return undefined;
    }
    // One of another agent may have the number of a start that was given up.
    if (this.#agents.get(worker) !== agent) return undefined;
    switch (event.kind) {
      case "parcel":
        return this.messages.hear(worker, event.parcel);
      case "workerStarted":
        this.members.started(worker);
        return undefined;
      case "workerExited":
        this.#exited(event);
        return undefined;
      case "workerLeft":
        this.#agents.delete(worker);
        this.messages.remove(worker, "it was removed");
        this.members.removed(worker);
        return undefined;
    }
  }

  /** An agent is gone. @param cause What senders are told. */
  lose(agent: string, cause: string): void {
    for (const [worker, own] of this.#agents) if (own === agent) this.#agents.delete(worker);
    this.messages.removeAgent(agent, cause);
    this.members.agentLost(agent);
  }

  /** Nothing more is sent, and nobody waits any more. */
  close(): void {
    this.messages.close();
    this.members.close();
  }

  #exited({ worker, cause, isFinal }: Extract<WorkerEvent, { kind: "workerExited" }>): void {
    this.members.exited(worker, cause, isFinal === true);
    if (isFinal === true) this.messages.remove(worker, cause);
    else this.messages.exited(worker);
  }
}
