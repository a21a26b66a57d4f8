/** A program that has an agent begin a job in a directory on a full disk, and prints how it was refused. */
import { LucioleError } from "../../../core/errors.ts";
import { AgentJobs } from "../../../net/agent/agent_jobs.ts";

const [directory = ""] = process.argv.slice(2);
const startWorker = (): never => {
  throw new Error("a worker was started");
};
const jobs = new AgentJobs({ id: "a1", directory, slots: 1, startWorker });
const command = { command: ["none"], environment: {}, workingDirectory: "." };
try {
  await jobs.start("j1", { workers: 1, firstWorker: 0, command });
} catch (error) {
  const code = error instanceof LucioleError ? error.code : "none";
  console.log(JSON.stringify({ code, message: String(error), freeSlots: jobs.load.freeSlots }));
}
