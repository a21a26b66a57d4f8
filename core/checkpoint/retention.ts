/**
 * Which copies a later driver of the program can do without.
 *
 * A dataset is of no use when the program has released it without reading it, and all that was made of it has copies
 * itself or is of no use either. What the program read it will read again; what is not done needs its inputs.
 */

/** An execution, as far as it matters here. */
export interface RetainedExecution {
  readonly number: number;
  readonly isDone: boolean;
  /** Datasets that it reads, as `number.node`. */
  readonly inputs: readonly string[];
  readonly outputs: readonly RetainedOutput[];
}

export interface RetainedOutput {
  readonly node: number;
  readonly isReleased: boolean;
  readonly isRead: boolean;
  /** All of its shards have copies. */
  readonly isCopied: boolean;
}

export interface Useless {
  /** As `number.node`. */
  readonly datasets: ReadonlySet<string>;
  /** Numbers of executions of which nothing will be computed again: what leads to their outputs is of no use. */
  readonly settled: ReadonlySet<number>;
}

/** @param executions Whoever reads a dataset has a greater number than whoever made it. */
export function findUseless(executions: Iterable<RetainedExecution>): Useless {
  const datasets = new Set<string>();
  const settled = new Set<number>();
  /** Read by somebody that may have to be computed again. */
  const needed = new Set<string>();
  for (const { number, isDone, inputs, outputs } of [...executions].toSorted((a, b) => b.number - a.number)) {
    let isSettled = isDone;
    for (const { node, isReleased, isRead, isCopied } of outputs) {
      const dataset = `${number}.${node}`;
      const isUseless = isReleased && !isRead && !needed.has(dataset);
      if (isUseless && isDone) datasets.add(dataset);
      if (!isUseless && !isCopied) isSettled = false;
    }
    if (isSettled) settled.add(number);
    else for (const input of inputs) needed.add(input);
  }
  return { datasets, settled };
}
