/**
 * `luciole token [FILE]`: makes the file of a cluster's secret. The secret itself is never printed.
 */
import { resolve } from "node:path";
import { writeSecret } from "../net/security/secret_file.ts";
import { printResult } from "./output.ts";

export async function token(file: string, isJson: boolean): Promise<void> {
  await writeSecret(file);
  const path = resolve(file);
  printResult(`${path} (copy it to each machine; readable by its owner only)`, { path }, isJson);
}
