/** A program that is an agent, for tests of its process. */
import { type AgentConfig, runAgent } from "../../../net/agent/main.ts";

const [config = "{}"] = process.argv.slice(2);
const defaults: Omit<AgentConfig, "id" | "directory" | "masters"> = {
  host: "127.0.0.1",
  port: 0,
  advertise: { host: "127.0.0.1" },
  heartbeatMs: 2_000,
  dataCenter: "default",
  rack: "default",
  labels: {},
  slots: 1,
  memoryBytes: 2 ** 30,
  drivers: 4,
  security: {},
};
await runAgent({ ...defaults, ...JSON.parse(config) }, (text) => process.stderr.write(`${text}\n`));
