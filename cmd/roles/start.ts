/**
 * Starts a master or an agent: settings are read, files opened, and it runs until a signal ends it.
 */
import process from "node:process";
import { compileAgentConfig, compileMasterConfig, type RoleConfig } from "../../core/cluster/config.ts";
import type { SettingTexts } from "../../core/cluster/settings.ts";
import { checkVariables } from "../../core/cluster/variables.ts";
import { thisMachine } from "../../net/runtime/machine.ts";
import { OTHER_VARIABLES } from "../variables.ts";
import { type Notice, openNotices } from "./notices.ts";

export async function startMaster(texts: SettingTexts): Promise<void> {
  checkVariables(process.env, OTHER_VARIABLES);
  const config = compileMasterConfig(texts, process.env, thisMachine());
  const notice = noticesOf("master", config);
  const { runMaster } = await import("../../net/master/main.ts");
  await runMaster(config, notice);
}

export async function startAgent(texts: SettingTexts): Promise<void> {
  checkVariables(process.env, OTHER_VARIABLES);
  const config = compileAgentConfig(texts, process.env, thisMachine());
  const notice = noticesOf("agent", config);
  const { runAgent } = await import("../../net/agent/main.ts");
  await runAgent(config, notice);
}

function noticesOf(role: "master" | "agent", { isJson, logLevel, warnings }: RoleConfig): Notice {
  const notice = openNotices({ role, isJson, logLevel });
  for (const warning of warnings) notice(warning, "warn");
  return notice;
}
