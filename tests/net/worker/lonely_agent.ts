/**
 * An agent with one worker, to be killed by a test: prints its directory once the worker is at work, and ends with its stdin.
 */
import { join } from "node:path";
import process from "node:process";
import { AgentWorld } from "../agent/agent_world.ts";
import { orderWork } from "./work.ts";
import type { WorkParams } from "./worker_program.ts";
import "./worker_program.ts";

// Whoever started it is gone.
process.stdin.on("end", () => process.exit(1)).resume();
const command = [process.execPath, join(import.meta.dir, "worker_program.ts")];
const world = await AgentWorld.open({ workers: "process", command });
await world.startJob(1);
const events = await world.events();
await orderWork(world, "e0", { what: process.argv[2] as WorkParams["what"], rows: 1e6 });
await events.until("attemptStarted");
console.log(world.directory);
