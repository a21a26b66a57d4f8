/**
 * What a section of `scripts/bench --iterative` is: one table, measured by the module that is about it.
 *
 * Sections know nothing of each other; iterative.ts has the list of them.
 */

export interface SectionOptions {
  /** Scratch directory of the run, deleted at its end. */
  readonly folder: string;
  /** A short run, which proves that everything works and that results are right. */
  readonly isQuick: boolean;
  /** How often each figure is taken; the median of them is told. */
  readonly rounds: number;
}

export interface Table {
  readonly title: string;
  /** The first column names the row. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Measures and returns its table. @throws {Error} If a program fails or a result is wrong. */
export type Section = (options: SectionOptions) => Promise<Table>;

/** What a run over the workloads is given beside that. */
export interface WorkloadOptions extends SectionOptions {
  /** Where the data is kept; undefined: in the folder. */
  readonly data: string | undefined;
  /** Names of those that are wanted; none: all. */
  readonly workloads: readonly string[];
}
