/** Both ends of one pair over a way that loses, repeats and reorders: what is sent is heard once, in order. */
import { describe, expect, test } from "bun:test";
import { Admission, type Sending } from "../../../core/messages/admission.ts";
import { Intake } from "../../../core/messages/intake.ts";
import { Lane } from "../../../core/messages/lane.ts";
import { bodyOf, type Letter } from "../../../core/messages/letter.ts";
import { randomNumbers } from "../../simulation/random.ts";
import { LossyWay } from "./lossy_way.ts";

const SEED = Number(process.env.LUCIOLE_SEED ?? 1);
const BOUNDS = { letters: 500, bytes: 1 << 20 };

function numbered(n: number): Letter {
  return new Uint8Array(new Uint32Array([n]).buffer);
}

function numberOf(letter: Letter): number {
  return new Uint32Array(bodyOf(letter).slice().buffer)[0];
}

/** One end that sends, one that hears, and what may go wrong between them. */
class Pair {
  readonly lane = new Lane("worker 0", BOUNDS);
  readonly heard: number[] = [];
  readonly #admission = new Admission<Sending>();
  readonly #there: LossyWay;
  readonly #back: LossyWay;
  readonly #random: () => number;
  #intake = new Intake("life0");
  #given = 0;
  #waiting: number[] = [];
  #lives = 0;

  constructor(seed: number, share: number) {
    this.#random = randomNumbers(seed);
    this.#there = new LossyWay({ random: this.#random, share });
    this.#back = new LossyWay({ random: this.#random, share });
    this.lane.apply({ kind: "joined", life: "life0" }, 0);
  }

  get isDone(): boolean {
    return this.#admission.waiting === 0 && this.lane.waiting === 0;
  }

  send(n: number, now: number): void {
    this.#admission.send({ letter: numbered(n), lanes: [this.lane], isBroadcast: false }, now);
  }

  /** The process is gone with what it had and did not hear; another one comes. */
  restart(now: number): void {
    this.#lives++;
    this.lane.apply({ kind: "exited" }, now);
    this.#intake = new Intake(`life${this.#lives}`);
    this.#given = 0;
    this.#waiting = [];
    this.lane.apply({ kind: "joined", life: this.#intake.life }, now);
  }

  turn(now: number): void {
    for (let frame = this.lane.take(400); frame !== undefined; frame = this.lane.take(400)) {
      this.#there.send({ life: frame.life, frame });
    }
    for (const { frame } of this.#there.arrived()) {
      if (frame !== undefined) this.#waiting.push(...this.#intake.take(frame).map(numberOf));
    }
    // Listeners are slow at times.
    const count = Math.floor(this.#random() * (this.#waiting.length + 1));
    this.heard.push(...this.#waiting.splice(0, count));
    this.#given += count;
    this.#intake.heard(this.#given);
    const receipt = this.#intake.receipt(false);
    if (receipt !== undefined) this.#back.send({ life: receipt.life, receipt });
    for (const parcel of this.#back.arrived()) {
      if (parcel.receipt === undefined) continue;
      this.lane.apply({ kind: "receipt", receipt: parcel.receipt }, now);
      this.#admission.changed(this.lane, now);
    }
    if (this.#random() < 0.2) this.lane.apply({ kind: "broken" }, now);
    this.lane.check();
  }
}

describe("a lane and its intake", () => {
  test("M2: 100,000 messages over a way that drops, repeats and reorders a tenth each: once each, in order", () => {
    const pair = new Pair(SEED, 0.1);
    const random = randomNumbers(SEED + 1);
    let sent = 0;
    let turns = 0;
    while (sent < 100_000 || !pair.isDone) {
      for (let burst = Math.floor(random() * 400); burst > 0 && sent < 100_000; burst--)
        pair.send(sent++, turns);
      pair.turn(turns++);
      expect(pair.lane.waiting).toBeLessThanOrEqual(BOUNDS.letters);
      if (turns > 20_000) throw new Error(`seed ${SEED}: ${pair.heard.length} of ${sent} were heard by now`);
    }
    expect(pair.heard.length).toBe(100_000);
    expect(pair.heard.every((n, i) => n === i)).toBe(true);
  });

  test("M6: what was not heard comes again after a restart; only what was heard and not acknowledged is repeated", () => {
    for (let seed = SEED; seed < SEED + 50; seed++) {
      const pair = new Pair(seed, 0.1);
      const random = randomNumbers(seed + 7);
      for (let n = 0; n < 400; n++) pair.send(n, 0);
      const lives: number[] = [];
      /** Of each life: what the sender knew as heard when it began. */
      const known = [0];
      for (let turn = 0; !pair.isDone; turn++) {
        if (lives.length < 5 && random() < 0.1) {
          lives.push(pair.heard.length);
          known.push(400 - pair.lane.waiting);
          pair.restart(turn);
        }
        pair.turn(turn);
        if (turn > 5000) throw new Error(`seed ${seed}: ${pair.heard.length} were heard by now`);
      }
      // Each life hears numbers in a row, and begins with one that follows or repeats what was heard before.
      let furthest = -1;
      for (const [i, end] of [...lives, pair.heard.length].entries()) {
        const heard = pair.heard.slice(i === 0 ? 0 : lives[i - 1], end);
        for (const [at, n] of heard.entries()) expect(n).toBe(heard[0] + at);
        if (heard.length === 0) continue;
        expect(heard[0]).toBeLessThanOrEqual(furthest + 1);
        expect(heard[0]).toBeGreaterThanOrEqual(known[i]);
        furthest = Math.max(furthest, heard[heard.length - 1]);
      }
      expect(furthest).toBe(399);
    }
  });
});
