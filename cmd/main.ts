/**
 * The executable `luciole`: a worker or a detached driver when its environment says so, else a command line.
 *
 * Loads only what the verb at hand needs, so that small ones start fast.
 */
import process from "node:process";
import { WORKER_ENV } from "../net/protocol.ts";

const program = process.env[WORKER_ENV.program];
if (process.env[WORKER_ENV.role] === "task" && program !== undefined) {
  const { runTask } = await import("./task.ts");
  await runTask(program);
} else if (process.env[WORKER_ENV.detached] !== undefined && program !== undefined) {
  const { runDetached } = await import("./detached.ts");
  await runDetached(program);
} else {
  const { runCommandLine } = await import("./command_line.ts");
  await runCommandLine(process.argv.slice(2));
}
