/**
 * `luciole compile PROGRAM`: makes one executable of a program and the engine.
 */
import { basename, extname } from "node:path";
import { formatSize } from "../core/program/size.ts";
import { compileProgram } from "../net/program/compile.ts";
import { printResult } from "./output.ts";

export async function compile(program: string, out: string | undefined, isJson: boolean): Promise<void> {
  const compiled = await compileProgram(program, out ?? defaultOutput(program));
  printResult(`${compiled.path} (${formatSize(compiled.sizeBytes)})`, compiled, isJson);
}

/** `jobs/count.ts` becomes `./count`. */
function defaultOutput(program: string): string {
  return basename(program, extname(program));
}
