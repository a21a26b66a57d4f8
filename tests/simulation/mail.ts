/**
 * Messages of a simulated run: each says its own number alone, so that what was heard can be compared with what was sent.
 */
import type * as collectives from "../../core/collectives/letter.ts";
import { bodyOf, type Letter } from "../../core/messages/letter.ts";
import type { Mail } from "../../net/mail.ts";

/** A letter between members of a gang; direct lines between workers of one agent are not simulated. */
export type GangLetter = Mail & collectives.Letter;

/** So few are under way that some have to wait. */
export const MAIL_BOUNDS = { letters: 3, bytes: 1 << 16 };
/** Of a frame. */
export const MAIL_BYTES = 200;

export function letterOf(number: number): Letter {
  return new Uint8Array(new Uint32Array([number]).buffer);
}

export function numberOf(letter: Letter): number {
  return new Uint32Array(bodyOf(letter).slice().buffer)[0];
}
