/**
 * Reads the messages between driver and workers that an agent hands on: their form, not what they say.
 */
import type { Letter, Parcel, Topic } from "../../../core/messages/letter.ts";
import { checkId, type Fields, fields, list, malformed, natural } from "../../fields.ts";
import type { MessagesRequest, WorkerParcel } from "../../protocol.ts";

const TOPICS: readonly Topic[] = [
  "driverMessage",
  "workersScaledUp",
  "workersScaledDown",
  "allWorkersJoined",
];

export function messagesRequest(body: Fields): MessagesRequest {
  const letters = list(body.letters, "letters").map(letter);
  return {
    letters,
    parcels: list(body.parcels, "parcels").map((each) => workerParcel(each, letters.length)),
  };
}

export function parcel(value: unknown): Parcel {
  const { life, frame, receipt } = fields(value, "parcel");
  checkId(life, "parcel.life");
  if (frame !== undefined) {
    const checked = fields(frame, "frame");
    checkId(checked.life, "frame.life");
    checkNumbers(checked);
    list(checked.letters, "frame.letters").map(letter);
  }
  if (receipt !== undefined) checkReceipt(fields(receipt, "receipt"));
  return value as Parcel;
}

function workerParcel(value: unknown, letters: number): WorkerParcel {
  const { worker, life, frame, receipt } = fields(value, "parcels");
  natural(worker, "worker");
  checkId(life, "life");
  if (frame !== undefined) {
    const checked = fields(frame, "frame");
    checkNumbers(checked);
    for (const at of list(checked.letters, "frame.letters")) {
      if (natural(at, "frame.letters") >= letters) throw malformed("frame.letters", "places of letters", at);
    }
  }
  if (receipt !== undefined) checkReceipt(fields(receipt, "receipt"));
  return value as WorkerParcel;
}

function checkNumbers({ base, first }: Fields): void {
  natural(base, "frame.base");
  natural(first, "frame.first");
}

function checkReceipt({ life, received, heard }: Fields): void {
  checkId(life, "receipt.life");
  natural(received, "receipt.received");
  natural(heard, "receipt.heard");
}

function letter(value: unknown): Letter {
  if (value instanceof Uint8Array) return value;
  const [topic, body, ...more] = list(value, "letters");
  const known = TOPICS.find((each) => each === topic);
  if (known === undefined || !(body instanceof Uint8Array) || more.length > 0) {
    throw malformed("letters", "bytes, or a topic and bytes", topic);
  }
  return [known, body];
}
