/** Programs on their way, with requests and answers that are lost, late, or come in another order. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  BlockSender,
  type SenderCommand,
  type SenderEvent,
} from "../../../core/program_blocks/block_sender.ts";
import { BlockUpload } from "../../../core/program_blocks/block_upload.ts";
import { BLOCK_BYTES } from "../../../core/program_blocks/program_ref.ts";

const HASH = createHash("sha256").update("content").digest();

/** A program whose blocks are all alike, as only their numbers matter here. */
function upload(blocks: number): BlockUpload {
  return new BlockUpload(blocks * BLOCK_BYTES, new Uint8Array(Buffer.concat(Array(blocks).fill(HASH))));
}

/** An agent behind a bad line: performs commands when the story says so, or loses them or their answers. */
class BadLine {
  readonly sender = new BlockSender();
  readonly waiting: Exclude<SenderCommand, { kind: "done" | "fail" }>[] = [];
  end: "done" | "fail" | undefined;
  sent = 0;
  #upload: BlockUpload;
  #isWhole = false;
  readonly #blocks: number;

  constructor(blocks: number, known: readonly number[] = []) {
    this.#blocks = blocks;
    this.#upload = upload(blocks);
    for (const block of known) this.#upload.take(block % blocks);
    this.hear({ kind: "told", isPresent: false, missing: this.#upload.missing });
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  hear(event: SenderEvent): void {
    for (const command of this.sender.apply(event)) {
      if (command.kind === "done" || command.kind === "fail") this.end = command.kind;
      else this.waiting.push(command);
    }
    this.sender.check();
  }

  /** Takes one of the commands on their way. */
  step(which: number, fate: "arrives" | "is lost" | "answer is lost" | "agent restarts"): void {
    const [command] = this.waiting.splice(which % this.waiting.length, 1);
    if (command === undefined) return;
    if (fate === "agent restarts" && !this.#isWhole) this.#upload = upload(this.#blocks);
    const isHeard = fate === "arrives";
    if (command.kind === "commit") {
      if (fate !== "is lost" && this.#upload.isComplete) this.#isWhole = true;
      const told = { kind: "told", isPresent: this.#isWhole, missing: this.#upload.missing } as const;
      this.hear(isHeard ? told : { kind: "unheard", cause: "lost" });
      return;
    }
    this.sent += command.blocks.length;
    if (fate !== "is lost") for (const block of command.blocks) this.#upload.take(block);
    const { batch } = command;
    this.hear(isHeard ? { kind: "taken", batch } : { kind: "failed", batch, cause: "lost" });
  }
}

describe("BlockSender", () => {
  test("sends nothing that the agent has, and each block once", () => {
    const line = new BadLine(100, [0, 1, 2, 50]);
    while (line.waiting.length > 0) line.step(0, "arrives");
    expect(line).toMatchObject({ end: "done", sent: 96, isWhole: true });
  });

  test("only commits what the agent has all blocks of", () => {
    const line = new BadLine(3, [0, 1, 2]);
    expect(line.waiting).toEqual([{ kind: "commit", vain: 0 }]);
    line.step(0, "arrives");
    expect(line).toMatchObject({ end: "done", sent: 0 });
  });

  test("gives up when nothing goes through any more", () => {
    const line = new BadLine(100);
    for (let i = 0; i < 100 && line.end === undefined; i++) line.step(0, "is lost");
    expect(line.end).toBe("fail");
    expect(line.waiting.length).toBeGreaterThan(0);
    // What comes later changes nothing.
    while (line.waiting.length > 0) line.step(0, "arrives");
    expect(line.end).toBe("fail");
  });

  test("ends with the whole program, or with a failure, whatever is lost and overtaken", () => {
    const fate = fc.oneof(
      { weight: 20, arbitrary: fc.constant("arrives" as const) },
      { weight: 4, arbitrary: fc.constant("is lost" as const) },
      { weight: 4, arbitrary: fc.constant("answer is lost" as const) },
      { weight: 1, arbitrary: fc.constant("agent restarts" as const) },
    );
    const story = fc.array(fc.tuple(fc.nat(3), fate), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.array(fc.nat(200)), story, (blocks, known, steps) => {
        const line = new BadLine(blocks, known);
        for (const [which, what] of steps) {
          if (line.waiting.length === 0) break;
          line.step(which, what);
        }
        while (line.waiting.length > 0) line.step(0, "arrives");
        expect(line.end).toBeDefined();
        if (line.end === "done") expect(line.isWhole).toBe(true);
      }),
    );
  });
});

describe("BlockUpload", () => {
  test("refuses what is not the block that was announced", () => {
    const sha256 = HASH.toString("hex");
    const blocks = new BlockUpload(BLOCK_BYTES + 10, new Uint8Array(Buffer.concat([HASH, HASH])));
    blocks.check(0, BLOCK_BYTES, sha256);
    blocks.check(1, 10, sha256);
    expect(() => blocks.check(1, BLOCK_BYTES, sha256)).toThrow("block 1: it has 65536 bytes instead of 10");
    expect(() => blocks.check(2, 10, sha256)).toThrow("block 2: the program has 2");
    expect(() => blocks.check(-1, 10, sha256)).toThrow("the program has 2");
    expect(() => blocks.check(0, BLOCK_BYTES, "0".repeat(64))).toThrow("content is not what was announced");
    expect(blocks.missing).toEqual([0, 1]);
  });

  test("refuses hashes that are too few or too many", () => {
    expect(() => new BlockUpload(BLOCK_BYTES + 1, HASH)).toThrow("2 blocks need 64 bytes of hashes, not 32");
    expect(() => new BlockUpload(0, HASH)).toThrow("0 blocks need 0 bytes");
  });
});
