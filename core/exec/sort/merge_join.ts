/**
 * The head "join" with strategy sort-merge: sorts both sides by key and walks
 * them side by side.
 *
 * Works for sides, and for keys, that are larger than memory. It knows nothing of
 * how the inputs were partitioned, only that equal keys are in the same task.
 */
import type { Column } from "../../batch/column.ts";
import { rowReader } from "../../batch/row_reader.ts";
import type { Head, ShardPiece } from "../../plan/physical.ts";
import { eachBatch } from "../each_batch.ts";
import type { Operator } from "../operator.ts";
import { openPieces } from "../piece_head.ts";
import type { TaskScope } from "../task_scope.ts";
import { ExternalSorter } from "./external_sorter.ts";
import { GroupBuffer } from "./group_buffer.ts";
import { PairStream } from "./pair_stream.ts";
import { sortKeysOf } from "./sort_keys.ts";

type JoinHead = Head & { readonly kind: "join" };

/** After so many rows of one key the next operators are asked whether they keep up. */
const SETTLE_ROWS = 65_536;

/** Pushes [key, [left, right]] rows, or [key, [lefts, rights]] for a cogroup; the task finishes `next`. */
export async function runMergeJoin(scope: TaskScope, head: JoinHead, next: Operator): Promise<void> {
  const keys = sortKeysOf(scope, { node: head.node, by: "pairKey", descending: false });
  const half = scope.memoryBytes / 2;
  const left = new ExternalSorter(scope, keys, half);
  const right = new ExternalSorter(scope, keys, half);
  const join = new MergeJoin(scope, head.how, next);
  try {
    await sortPieces(scope, scope.input.pieces[0] ?? [], left);
    await sortPieces(scope, scope.input.pieces[1] ?? [], right);
    await join.run(new PairStream(await left.finish()), new PairStream(await right.finish()));
  } catch (error) {
    if (error instanceof TypeError) scope.fail(head.node, error);
    throw error;
  } finally {
    join.close();
    left.close();
    right.close();
  }
}

async function sortPieces(
  scope: TaskScope,
  pieces: readonly ShardPiece[],
  sorter: ExternalSorter,
): Promise<void> {
  const reader = openPieces(scope, pieces);
  try {
    await eachBatch(scope, reader, (batch) => sorter.batch(batch));
  } finally {
    reader.close();
  }
}

class MergeJoin {
  readonly #scope: TaskScope;
  readonly #next: Operator;
  readonly #isCogroup: boolean;
  readonly #keepsLeft: boolean;
  readonly #keepsRight: boolean;
  readonly #group: GroupBuffer;
  #rowsSinceSettle = 0;

  constructor(scope: TaskScope, how: JoinHead["how"], next: Operator) {
    this.#scope = scope;
    this.#next = next;
    this.#isCogroup = how === "cogroup";
    this.#keepsLeft = how !== "inner" && how !== "right";
    this.#keepsRight = how !== "inner" && how !== "left";
    this.#group = new GroupBuffer(scope, scope.memoryBytes / 8);
  }

  async run(left: PairStream, right: PairStream): Promise<void> {
    let hasLeft = await left.fill();
    let hasRight = await right.fill();
    while ((hasLeft && (hasRight || this.#keepsLeft)) || (hasRight && this.#keepsRight)) {
      if (this.#next.isDone?.() ?? false) return;
      // Whole groups of the batches at hand need no promise; the group at the end of a batch may go on.
      this.#joinWholeGroups(left, right);
      await this.#joinGroup(left, right, orderOf(left, right));
      await this.#settle();
      hasLeft = await left.fill();
      hasRight = await right.fill();
    }
  }

  close(): void {
    this.#group.clear();
  }

  /** Stops at a group that reaches the end of its batch, or that is too large for one go. */
  #joinWholeGroups(left: PairStream, right: PairStream): void {
    for (;;) {
      const order = orderOf(left, right);
      const leftEnd = order <= 0 ? left.groupEnd() : left.index;
      const rightEnd = order >= 0 ? right.groupEnd() : right.index;
      if ((order <= 0 && leftEnd === left.end) || (order >= 0 && rightEnd === right.end)) return;
      if (order === 0 && (leftEnd - left.index) * (rightEnd - right.index) > SETTLE_ROWS) return;
      if (order === 0 || (order < 0 ? this.#keepsLeft : this.#keepsRight)) {
        this.#emit(left, leftEnd, right, rightEnd);
      }
      left.index = leftEnd;
      right.index = rightEnd;
    }
  }

  /** Emits one group of rows at hand; an empty range is a missing side. */
  #emit(left: PairStream, leftEnd: number, right: PairStream, rightEnd: number): void {
    const key = left.index < leftEnd ? left.readKey(left.index) : right.readKey(right.index);
    if (this.#isCogroup) {
      this.#pair(key, [rangeOf(left, leftEnd), rangeOf(right, rightEnd)]);
      return;
    }
    if (left.index === leftEnd) {
      for (let j = right.index; j < rightEnd; j += 1) this.#pair(key, [undefined, right.readValue(j)]);
      return;
    }
    for (let i = left.index; i < leftEnd; i += 1) {
      const value = left.readValue(i);
      if (right.index === rightEnd) this.#pair(key, [value, undefined]);
      for (let j = right.index; j < rightEnd; j += 1) this.#pair(key, [value, right.readValue(j)]);
    }
  }

  /** Joins one group of any size. */
  async #joinGroup(left: PairStream, right: PairStream, order: number): Promise<void> {
    const key = order <= 0 ? left.readKey(left.index) : right.readKey(right.index);
    if (this.#isCogroup) {
      const lefts = order <= 0 ? await collect(left) : [];
      const rights = order >= 0 ? await collect(right) : [];
      this.#pair(key, [lefts, rights]);
    } else if (order < 0) {
      await left.takeGroup((values) => this.#product(key, values, ABSENT, this.#keepsLeft));
    } else if (order > 0) {
      await right.takeGroup((values) => this.#absentLeft(key, values));
    } else {
      await right.takeGroup((values) => this.#group.add(values));
      await left.takeGroup((values) => this.#product(key, values, this.#group, true));
      this.#group.clear();
    }
  }

  async #product(key: unknown, lefts: Column, group: Chunks, isKept: boolean): Promise<void> {
    if (!isKept) return;
    const read = rowReader(lefts);
    for (const rights of group.chunks()) {
      for (let i = 0; i < lefts.length; i += 1) {
        if (this.#next.isDone?.() ?? false) return;
        const value = read(i);
        for (let j = 0; j < rights.length; j += 1) this.#pair(key, [value, rights[j]]);
        this.#rowsSinceSettle += rights.length;
        if (this.#rowsSinceSettle >= SETTLE_ROWS) await this.#settle();
      }
    }
  }

  #absentLeft(key: unknown, rights: Column): void {
    if (!this.#keepsRight) return;
    const read = rowReader(rights);
    for (let i = 0; i < rights.length; i += 1) this.#pair(key, [undefined, read(i)]);
  }

  #pair(key: unknown, value: unknown): void {
    if (this.#next.pair !== undefined) this.#next.pair(key, value);
    else this.#next.row([key, value]);
  }

  async #settle(): Promise<void> {
    this.#rowsSinceSettle = 0;
    const waiting = this.#scope.settle();
    if (waiting !== undefined) await waiting;
  }
}

/** Which side stands at the lower key; a side without rows never does. */
function orderOf(left: PairStream, right: PairStream): number {
  if (left.index >= left.end) return 1;
  return right.index >= right.end ? -1 : left.compare(right);
}

interface Chunks {
  chunks(): Iterable<readonly unknown[]>;
}

/** A missing right side. */
const ABSENT: Chunks = { chunks: () => [[undefined]] };

function rangeOf(stream: PairStream, end: number): unknown[] {
  const values: unknown[] = [];
  for (let i = stream.index; i < end; i += 1) values.push(stream.readValue(i));
  return values;
}

async function collect(stream: PairStream): Promise<unknown[]> {
  const values: unknown[] = [];
  await stream.takeGroup((column) => {
    const read = rowReader(column);
    for (let i = 0; i < column.length; i += 1) values.push(read(i));
  });
  return values;
}
