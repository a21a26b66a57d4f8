/**
 * What a disturbed run came to, and the families of disturbances that there are.
 */
import type { Course } from "./course.ts";
import type { Workload, Written } from "./workload.ts";

export interface Report {
  /** How the job ended: well, with a failure, or with its driver, which was killed. */
  readonly end: "done" | "failed" | "killed";
  readonly struck: number;
  /** Faults for which the job was over too soon, or nobody was there. */
  readonly missed: number;
  readonly wrong?: string;
  readonly story: readonly string[];
}

/** What a workload gives when nothing goes wrong. */
export interface Undisturbed {
  readonly written: Written;
  readonly course: Course;
}

export interface Family {
  /** Why it cannot be run on this machine, or undefined when it can. */
  readonly why: () => string | undefined;
  readonly run: (seed: number, workload: Workload, undisturbed: Undisturbed) => Promise<Report>;
  /** How many times as much data as the smallest it wants. */
  readonly size: number;
}
