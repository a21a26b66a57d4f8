/**
 * The executable as a worker of `luciole run`: loads the program, whose `run` does the work.
 */
import * as engine from "../mod.ts";
import { importProgram } from "../net/program/load.ts";
import { reportError } from "./output.ts";

export async function runTask(program: string): Promise<void> {
  try {
    await importProgram(program, engine);
  } catch (error) {
    reportError(error, false);
  }
}
