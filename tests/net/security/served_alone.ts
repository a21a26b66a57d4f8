/** A program: a guarded agent on a port of its own, which it prints; ends when its parent's pipe does. */
import process from "node:process";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { serveGuarded } from "../../../net/security/security.ts";
import { AgentWorld } from "../agent/agent_world.ts";
import { secret } from "./served_agent.ts";

const world = await AgentWorld.open();
const server = await serveGuarded({
  runtime: await currentRuntime(),
  listen: { hostname: "127.0.0.1", port: 0 },
  app: world.agent,
  security: { secret, isInsecure: false },
  onWarning: () => {},
});
console.log("port" in server.address ? server.address.port : 0);
process.stdin.resume();
process.stdin.on("end", async () => {
  await server.stop();
  await world.close();
  process.exit(0);
});
