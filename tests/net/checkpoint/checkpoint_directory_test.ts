/** What a checkpoint's directory says and keeps at its end. */
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { openCheckpointDirectory } from "../../../net/checkpoint/checkpoint_directory.ts";
import { Scratch } from "../../oracle/checkpoint_program.ts";

test.each([true, false])(
  "a directory that could not be written is warned of once, when the job succeeds: %p",
  async (isOver) => {
    using scratch = new Scratch();
    const path = scratch.at("kept");
    const warnings: string[] = [];
    const directory = await openCheckpointDirectory({
      path,
      isResumed: false,
      opened: { kind: "opened", version: "1", program: "p", args: [] },
      log: () => undefined,
      warn: (text) => warnings.push(text),
      signal: new AbortController().signal,
    });
    directory.giveUp(new Error("the disk is full"));
    directory.close(isOver);
    expect(warnings).toEqual([
      `the checkpoint in ${path} is not kept up from here on: Error: the disk is full`,
    ]);
    expect(readdirSync(path).toSorted()).toEqual(isOver ? [] : ["copies", "log.cborseq"]);
  },
);
