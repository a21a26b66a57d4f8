/**
 * Deletes copies as soon as no later driver needs them, so that a loop does not fill the disk.
 */
import { findUseless, type RetainedExecution, type Useless } from "../../core/checkpoint/retention.ts";
import type { CheckpointDirectory } from "./checkpoint_directory.ts";
import { isWhole } from "./copy_files.ts";
import type { KnownExecution } from "./known_execution.ts";

interface Retained {
  readonly known: KnownExecution;
  readonly inputs: readonly string[];
  /** Groups that have been given up. */
  readonly dropped: Set<number>;
}

export class Retention {
  readonly #directory: CheckpointDirectory;
  /** By number, those of which something may be needed. */
  readonly #retained = new Map<number, Retained>();

  constructor(directory: CheckpointDirectory) {
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

  sweep(): void {
    const useless = findUseless([...this.#retained.values()].map((one) => this.#describe(one)));
    for (const retained of this.#retained.values()) this.#drop(retained, useless);
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

  #drop({ known, dropped }: Retained, { datasets, settled }: Useless): void {
    const { number, done } = known;
    if (done === undefined) return;
    const kept = new Set<number>();
    for (const { node, group } of done.outputs) if (!datasets.has(`${number}.${node}`)) kept.add(group);
    const { copies } = this.#directory;
    for (const group of copies.list(number).keys()) {
      const isOutput = done.outputs.some((output) => output.group === group);
      if (kept.has(group) || dropped.has(group) || (!isOutput && !settled.has(number))) continue;
      dropped.add(group);
      copies.drop(number, group);
    }
    if (kept.size > 0 || !settled.has(number)) return;
    copies.drop(number);
    this.#retained.delete(number);
  }
}
