/**
 * `luciole plot PROGRAM`: draws the plan of a flow without running anything.
 */
import { findProgram } from "../net/program/load.ts";

export async function plot(program: string, _options: unknown): Promise<void> {
  await findProgram(program, "plot");
}
