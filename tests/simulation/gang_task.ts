/**
 * One member of a gang on a simulated worker: the production member of a worker program, in simulated time, as
 * net/worker/mail_room.ts and core/exec/program_head.ts run it.
 */
import { drainMicrotasks } from "bun:jsc";
import type { Encoded, GangOrder, Letter } from "../../core/collectives/letter.ts";
import { Member } from "../../core/collectives/member.ts";
import { LucioleError, toWireError, type WireError } from "../../core/errors.ts";
import { ProgramContext, type ProgramContextOptions } from "../../core/exec/program_context.ts";
import { playGang } from "./gang_program.ts";
import type { GangLetter } from "./mail.ts";
import type { Rows } from "./rows.ts";
import type { World } from "./world.ts";

/** Nobody waits so long, but for somebody who never comes. */
const TIMEOUT_MS = 10 * 60_000;
const NOTHING = (): void => undefined;
/** What programs of simulated gangs do not use. */
const NO_TASK = { sendToDriver: NOTHING, on: NOTHING } as unknown as ProgramContextOptions["task"];

export interface GangTaskOptions {
  readonly job: string;
  readonly gang: GangOrder;
  readonly own: Rows;
  readonly post: (letter: GangLetter) => void;
  readonly onDone: (all: Rows) => void;
  readonly onError: (error: WireError) => void;
}

export class GangTask {
  readonly id: string;
  readonly #options: GangTaskOptions;
  readonly #world: World;
  readonly #cancelled = new AbortController();
  readonly #member: Member;
  #isOver = false;

  constructor(options: GangTaskOptions, world: World) {
    const { id, rank, members } = options.gang;
    this.id = id;
    this.#options = options;
    this.#world = world;
    this.#member = new Member({
      rank,
      size: members.length,
      nameOf: (other) => `rank ${other} of ${id}`,
      encode,
      decode,
      post: (to, letter) => this.#post(to, letter),
      later: (ms, callback) => this.#later(ms, callback),
      signal: this.#cancelled.signal,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** @param early Letters that came before. */
  begin(early: readonly GangLetter[]): void {
    const { job, gang, own, onDone } = this.#options;
    for (const mail of early) this.#member.deliver(mail.from, mail);
    const { rank, members: workers, epoch } = gang;
    const member = this.#member;
    const ctx = new ProgramContext({ task: NO_TASK, member, rank, workers, epoch, open: () => undefined });
    const playing = playGang({ gang: `${job}/${gang.id}`, ctx, own, rules: this.#world.gangs });
    playing.then(
      (all) =>
        this.#end(() => {
          member.finish();
          onDone(all);
        }),
      (error) => this.#end(() => this.#fail(error)),
    );
    drainMicrotasks();
  }

  deliver({ from, ...letter }: GangLetter): void {
    this.#member.deliver(from, letter);
    drainMicrotasks();
  }

  /** The attempt is over: it was cancelled, or its process has died. */
  end(): void {
    this.#isOver = true;
    this.#cancelled.abort(new LucioleError("cancelled", "Cannot go on: it was cancelled"));
    this.#member.end();
    drainMicrotasks();
  }

  #end(act: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      act();
    } catch (error) {
      this.#world.wrong.push(error);
    }
    this.#member.end();
  }

  /** What is no error of the engine is a violation. */
  #fail(error: unknown): void {
    if (!(error instanceof LucioleError)) throw error;
    const { stack: _, ...wire } = toWireError(error);
    this.#options.onError(wire);
  }

  #post(to: number, letter: Letter): void {
    const { gang, post } = this.#options;
    const { agent, worker } = gang.members[to];
    if (!this.#cancelled.signal.aborted) post({ ...letter, gang: gang.id, from: gang.rank, agent, worker });
  }

  #later(ms: number, callback: () => void): () => void {
    let isWanted = true;
    this.#world.timeline.after(ms, () => {
      if (!isWanted || this.#isOver) return;
      callback();
      drainMicrotasks();
    });
    return () => {
      isWanted = false;
    };
  }
}

function encode(value: unknown): Encoded {
  const plain = value instanceof Float64Array ? { floats: [...value] } : { value };
  return { payload: new TextEncoder().encode(JSON.stringify(plain)) };
}

function decode({ payload }: Encoded): unknown {
  const { floats, value } = JSON.parse(new TextDecoder().decode(payload));
  return floats === undefined ? value : Float64Array.from(floats);
}
