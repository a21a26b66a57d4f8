/**
 * LUCIOLE_FAULTS: "off" has a job go without checksums, second attempts and copies of stragglers.
 *
 * For measuring what they cost, and for nothing else: a fault then fails the job, or goes unseen.
 */
import process from "node:process";

export const FAULT_VARIABLE = "LUCIOLE_FAULTS";

/** Decided when the process begins. */
export const toleratesFaults = process.env[FAULT_VARIABLE] !== "off";
