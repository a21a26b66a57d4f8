/**
 * The workers of one agent, as messages reach them: gathers what all of them are to be told into one request.
 */
import type { Letter } from "../../../core/messages/letter.ts";
import { FRAME_BYTES } from "../../messages.ts";
import type { MessagesRequest, WorkerParcel } from "../../protocol.ts";
import type { AgentClient } from "../agents/agent_client.ts";
import { MessageCarrier } from "./message_carrier.ts";
import { WorkerEnd } from "./worker_end.ts";

/** Frames of one request. */
const MAX_FRAMES = 8;

export class MessageRoute {
  readonly ends: WorkerEnd[] = [];
  readonly #carrier: MessageCarrier;
  /** Those that have something to be sent. */
  readonly #due = new Set<WorkerEnd>();

  constructor(client: AgentClient) {
    this.#carrier = new MessageCarrier({
      client,
      take: () => this.#take(),
      onBroken: () => this.#broken(),
    });
  }

  add(worker: number): WorkerEnd {
    const end: WorkerEnd = new WorkerEnd(worker, () => {
      this.#due.add(end);
      this.#carrier.wake();
    });
    this.ends.push(end);
    return end;
  }

  stop(): void {
    this.#carrier.stop();
    for (const { receipts } of this.ends) receipts.close();
  }

  #take(): MessagesRequest | undefined {
    const letters = new Map<Letter, number>();
    const parcels: WorkerParcel[] = [];
    for (const end of [...this.#due]) {
      if (parcels.length >= MAX_FRAMES) break;
      const parcel = parcelOf(end, letters);
      this.#due.delete(end);
      // What is left of it goes with a later request: those who waited longer come first.
      if (parcel?.frame !== undefined) this.#due.add(end);
      if (parcel !== undefined) parcels.push(parcel);
    }
    return parcels.length === 0 ? undefined : { letters: [...letters.keys()], parcels };
  }

  #broken(): void {
    for (const end of this.ends) {
      end.lane.apply({ kind: "broken" }, performance.now());
      end.receipts.broken();
      this.#due.add(end);
    }
  }
}

/** @param places Of letters in the request; what several workers are told is in it once. */
function parcelOf(
  { worker, lane, life, receipts }: WorkerEnd,
  places: Map<Letter, number>,
): WorkerParcel | undefined {
  const taken = lane.take(FRAME_BYTES);
  const receipt = receipts.take();
  if (taken === undefined && receipt === undefined) return undefined;
  if (taken === undefined) return { worker, life, ...(receipt && { receipt }) };
  const { base, first } = taken;
  const letters = taken.letters.map((letter) => {
    const place = places.get(letter) ?? places.size;
    places.set(letter, place);
    return place;
  });
  return { worker, life, frame: { base, first, letters }, ...(receipt && { receipt }) };
}
