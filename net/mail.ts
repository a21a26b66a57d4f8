/**
 * Mail between the workers of a job, as it travels: worker to its agent, agent to agent, agent to worker.
 *
 * Types of the bodies, and their checks. What letters mean is in core/collectives.
 */
import type { Letter, LetterKind } from "../core/collectives/letter.ts";
import { checkId, type Fields, fields, list, malformed, natural, text } from "./fields.ts";

/** A letter; or it tells where its sender can be reached without its agent, which is the label. */
export type MailKind = LetterKind | "line";

/** A letter with where it comes from and goes to. */
export interface Mail extends Omit<Letter, "kind"> {
  readonly kind: MailKind;
  /** The start of the gang that it belongs to. */
  readonly gang: string;
  /** Rank of its sender. */
  readonly from: number;
  /** Of its receiver. */
  readonly agent: string;
  readonly worker: number;
}

/** Body of `POST /v1/workers/:worker/mail`. Answered when there is room for more. */
export interface WorkerMail {
  readonly job: string;
  readonly mail: readonly Mail[];
}

/** Body of `POST /v1/jobs/:job/mail`, of another agent. */
export interface AgentMail {
  /** The agent that sends it. */
  readonly from: string;
  /** What it sends under this name is numbered by itself: it begins anew with an agent that was gone. */
  readonly line: string;
  /** Number of the first item, counted from the beginning of the line. */
  readonly first: number;
  readonly items: readonly Mail[];
}

/** Its answer: how many items of that line have come in all. */
export interface AgentMailReply {
  readonly count: number;
}

/** Of one request; more waits for the next one. */
export const MAIL_BYTES = 8 * 2 ** 20;
/** What a piece of mail takes beside its payload. */
const HEAD_BYTES = 128;
const KINDS: ReadonlySet<unknown> = new Set<MailKind>(["collective", "value", "taken", "returned", "line"]);
const MAX_LABEL = 300;

export function mailBytes({ payload }: Mail): number {
  return payload.byteLength + HEAD_BYTES;
}

export function workerMail(body: Fields): WorkerMail {
  return { job: checkId(body.job, "job"), mail: list(body.mail, "mail").map(mailOf) };
}

export function agentMail(body: Fields): AgentMail {
  return {
    from: checkId(body.from, "from"),
    line: checkId(body.line, "line"),
    first: natural(body.first, "first"),
    items: list(body.items, "items").map(mailOf),
  };
}

function mailOf(value: unknown): Mail {
  const mail = fields(value, "mail");
  checkId(mail.gang, "mail.gang");
  checkId(mail.agent, "mail.agent");
  natural(mail.worker, "mail.worker");
  natural(mail.from, "mail.from");
  letterHead(mail);
  if (!(mail.payload instanceof Uint8Array)) throw malformed("mail.payload", "bytes", mail.payload);
  return mail as unknown as Mail;
}

/** What a letter has beside its payload. @throws {ProtocolError} */
export function letterHead(letter: Fields): Omit<Mail, "gang" | "agent" | "worker" | "from" | "payload"> {
  const { kind, label, sequence, form } = letter;
  if (text(label, "letter.label").length > MAX_LABEL) throw malformed("letter.label", "short", "long");
  if (!KINDS.has(kind)) throw malformed("letter.kind", "a kind of letter", kind);
  natural(sequence, "letter.sequence");
  if (form !== undefined) natural(form, "letter.form");
  return letter as unknown as Mail;
}
