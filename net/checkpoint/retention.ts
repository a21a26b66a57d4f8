/**
 * Deletes copies as soon as no later driver needs them, so that a loop does not fill the disk.
 */
import { findUseless, type RetainedExecution, type Useless } from "../../core/checkpoint/retention.ts";
import type { CheckpointDirectory } from "./checkpoint_directory.ts";
import { isWhole } from "./copy_files.ts";
import type { KnownExecution } from "./known_execution.ts";

type KeptDirectory = Pick<CheckpointDirectory, "copies" | "isKept" | "sync">;

interface Retained {
  readonly known: KnownExecution;
  readonly inputs: readonly string[];
  /** Groups that have been given up. */
  readonly dropped: Set<number>;
}

interface Drop {
  readonly number: number;
  readonly groups: readonly number[];
  /** There will be nothing more to delete. */
  readonly isLast: boolean;
  /** None of its outputs is of use. */
  readonly isAll: boolean;
}

export class Retention {
  readonly #directory: KeptDirectory;
  /** By number, those of which something may be needed. */
  readonly #retained = new Map<number, Retained>();

  #isAsked = false;
  #isSweeping = false;

  constructor(directory: KeptDirectory) {
    this.#directory = directory;
  }

  add(known: KnownExecution, inputs: readonly string[]): void {
    this.#retained.set(known.number, { known, inputs, dropped: new Set() });
  }

  /** Whether a copy of a group would be deleted at once. */
  isUseless(known: KnownExecution, group: number): boolean {
    const retained = this.#retained.get(known.number);
    return retained === undefined || retained.dropped.has(group);
  }

  /** Deletes nothing before the log that makes it useless is on disk. */
  async sweep(): Promise<void> {
    this.#isAsked = true;
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    while (this.#isAsked) {
      this.#isAsked = false;
      const useless = findUseless([...this.#retained.values()].map((one) => this.#describe(one)));
      const drops = [...this.#retained.values()].flatMap((one) => this.#dropsOf(one, useless));
      if (drops.length > 0) await this.#directory.sync();
      if (this.#directory.isKept) for (const drop of drops) this.#drop(drop);
    }
    this.#isSweeping = false;
  }

  #describe({ known, inputs }: Retained): RetainedExecution {
    const { number, done, released, read } = known;
    const copies = done === undefined ? undefined : this.#directory.copies.list(number);
    const outputs = (done?.outputs ?? []).map(({ node, group, shards }) => ({
      node,
      isReleased: released.has(node),
      isRead: read.has(node),
      isCopied: isWhole(copies?.get(group), shards),
    }));
    return { number, isDone: done !== undefined, inputs, outputs };
  }

  /** What is to be deleted of an execution, if anything. */
  #dropsOf({ known, dropped }: Retained, { datasets, settled }: Useless): readonly Drop[] {
    const { number, done, read } = known;
    if (done === undefined) return [];
    const isSettled = settled.has(number);
    const outputs = new Set(done.outputs.map(({ group }) => group));
    const kept = done.outputs.filter(({ node }) => !datasets.has(`${number}.${node}`));
    const keptGroups = new Set(kept.map(({ group }) => group));
    const groups = [...this.#directory.copies.list(number).keys()].filter(
      (group) => !keptGroups.has(group) && !dropped.has(group) && (outputs.has(group) || isSettled),
    );
    // What was read stays for good, and there is nothing else left to decide.
    const isLast = isSettled && kept.every(({ node }) => read.has(node));
    return groups.length > 0 || isLast ? [{ number, groups, isLast, isAll: kept.length === 0 }] : [];
  }

  #drop({ number, groups, isLast, isAll }: Drop): void {
    const { copies } = this.#directory;
    for (const group of groups) {
      this.#retained.get(number)?.dropped.add(group);
      copies.drop(number, group);
    }
    if (!isLast) return;
    this.#retained.delete(number);
    if (isAll) copies.drop(number);
  }
}
