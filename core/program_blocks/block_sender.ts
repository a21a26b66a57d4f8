/**
 * The driver's side of a program on its way: what to send next, and when all of it is there.
 *
 * Sans-I/O: events go in, commands come out. Requests and answers may be lost, come late or
 * twice; a block is sent again until the agent has it, or until nothing goes forward any more.
 */

export type SenderEvent =
  /** The agent told what it has, when the program was announced, or committed. */
  | { readonly kind: "told"; readonly isPresent: boolean; readonly missing: readonly number[] }
  /** The agent has the blocks of a batch. */
  | { readonly kind: "taken"; readonly batch: number }
  /** Nobody knows whether the agent has them. */
  | { readonly kind: "failed"; readonly batch: number; readonly cause: unknown }
  /** Nobody knows whether the agent has put it together. */
  | { readonly kind: "unheard"; readonly cause: unknown };

export type SenderCommand =
  | {
      readonly kind: "send";
      readonly batch: number;
      readonly blocks: readonly number[];
      readonly vain: number;
    }
  /** Asks the agent to put it together; its answer is `told`. */
  | { readonly kind: "commit"; readonly vain: number }
  | { readonly kind: "done" }
  | { readonly kind: "fail"; readonly cause: unknown };

/** A mebibyte a request, as much again on its way behind it. */
const BATCH_BLOCKS = 16;
const WINDOW = 4;
/** Failures, or commits that still miss something, without any block that went through in between: `vain`. */
const MAX_VAIN = 8;

export class BlockSender {
  #queue: number[] = [];
  readonly #sent = new Map<number, readonly number[]>();
  #nextBatch = 0;
  #vain = 0;
  #cause: unknown = new Error("the agent forgets blocks that it was sent");
  #state: "sending" | "committing" | "over" = "sending";

  apply(event: SenderEvent): readonly SenderCommand[] {
    if (this.#state === "over") return [];
    switch (event.kind) {
      case "told":
        return event.isPresent ? this.#end({ kind: "done" }) : this.#told(event.missing);
      case "taken":
        if (this.#sent.delete(event.batch)) this.#vain = 0;
        return this.#go();
      case "failed":
        return this.#failed(event.batch, event.cause);
      case "unheard":
        if (this.#state === "committing") this.#state = "sending";
        return this.#inVain(event.cause);
    }
  }

  /** @throws {Error} When it is not in order: for tests. */
  check(): void {
    const waiting = new Set([...this.#queue, ...[...this.#sent.values()].flat()]);
    const count = this.#queue.length + [...this.#sent.values()].reduce((sum, batch) => sum + batch.length, 0);
    if (waiting.size !== count) throw new Error("A block is queued or sent twice");
    if (this.#sent.size > WINDOW) throw new Error(`${this.#sent.size} batches are on their way`);
    if (this.#state === "committing" && count > 0)
      throw new Error("It commits while blocks are on their way");
  }

  #told(missing: readonly number[]): readonly SenderCommand[] {
    const isAgain = this.#state === "committing";
    this.#state = "sending";
    const onTheirWay = new Set([...this.#sent.values()].flat());
    this.#queue = missing.filter((block) => !onTheirWay.has(block));
    return isAgain ? this.#inVain(this.#cause) : this.#go();
  }

  #failed(batch: number, cause: unknown): readonly SenderCommand[] {
    const blocks = this.#sent.get(batch);
    if (blocks === undefined) return [];
    this.#sent.delete(batch);
    this.#queue.push(...blocks);
    return this.#inVain(cause);
  }

  #inVain(cause: unknown): readonly SenderCommand[] {
    this.#cause = cause;
    if (++this.#vain > MAX_VAIN) return this.#end({ kind: "fail", cause });
    return this.#go();
  }

  #go(): readonly SenderCommand[] {
    if (this.#state !== "sending") return [];
    const commands: SenderCommand[] = [];
    while (this.#queue.length > 0 && this.#sent.size < WINDOW) {
      const blocks = this.#queue.splice(0, BATCH_BLOCKS);
      const batch = this.#nextBatch++;
      this.#sent.set(batch, blocks);
      commands.push({ kind: "send", batch, blocks, vain: this.#vain });
    }
    if (commands.length > 0 || this.#sent.size > 0) return commands;
    this.#state = "committing";
    return [{ kind: "commit", vain: this.#vain }];
  }

  #end(command: SenderCommand): readonly SenderCommand[] {
    this.#state = "over";
    this.#queue = [];
    this.#sent.clear();
    return [command];
  }
}
