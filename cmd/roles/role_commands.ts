/**
 * The command line of each role: `luciole --role agent --port 7500`, its help, its mistakes.
 *
 * Made of the settings' own table. What a role does is loaded when it starts.
 */
import process from "node:process";
import { Command, CommanderError } from "@commander-js/extra-typings";
import { ROLE_SETTINGS, type SettingName } from "../../core/cluster/config.ts";
import { SETTINGS, type Setting, type SettingTexts } from "../../core/cluster/settings.ts";
import { EXIT } from "../../core/program/exit_codes.ts";
import { addOptions, type OptionSpec, readOptions } from "../option_texts.ts";
import { reportError } from "../output.ts";
import type { Role } from "./role_argv.ts";

type Server = Exclude<Role, "driver" | "task">;

const ABOUT: Readonly<Record<Server, { readonly text: string; readonly example: string }>> = {
  master: {
    text:
      "Runs a master: it knows the agents and finds room for jobs. Several may run; it keeps nothing on disk and may " +
      "be started anew at any time.",
    example: "luciole --role master --host 0.0.0.0 --token-file luciole.token",
  },
  agent: {
    text: "Runs an agent: it gives this machine's slots to jobs, and keeps their data while they run.",
    example: "luciole --role agent --master m1 --host 0.0.0.0 --token-file luciole.token",
  },
};

const DEFAULTS: Readonly<Record<Server, Partial<Record<SettingName, string>>>> = {
  master: {
    host: "127.0.0.1",
    port: "7400",
    name: "HOST-PORT",
    heartbeat: "2s",
    lostAfter: "10s",
    logLevel: "info",
  },
  agent: {
    master: "127.0.0.1:7400",
    host: "127.0.0.1",
    port: "7401",
    name: "HOST-PORT",
    advertise: "--host, or the name of this machine",
    dataDir: "~/.luciole/agent-PORT",
    slots: "all cores",
    drivers: "8",
    memory: "half of the machine's",
    disk: "most of what is free",
    dataCenter: "default",
    rack: "default",
    heartbeat: "2s",
    logLevel: "info",
  },
};

const TASK_HELP = `Usage: luciole --role task

A worker of a job. Agents start it, and it gets its orders from them: it is nothing
to start by hand. Start an agent instead: luciole --role agent --help
`;

/** Runs a master or an agent until it is ended; sets the exit code. */
export async function runServer(role: Server, argv: readonly string[]): Promise<void> {
  const command = serverCommand(role);
  let texts: SettingTexts;
  try {
    command.parse(argv, { from: "user" });
    texts = readOptions(command, specsOf(role));
  } catch (error) {
    // Commander has said what is wrong.
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return;
  }
  try {
    const { startMaster, startAgent } = await import("./start.ts");
    await (role === "master" ? startMaster(texts) : startAgent(texts));
  } catch (error) {
    reportError(error, texts.json === "true");
  }
}

/** Started by hand: agents start tasks with their orders in the environment, and come not this way. */
export function explainTask(argv: readonly string[]): void {
  const isHelp = argv.includes("--help") || argv.includes("-h");
  if (!isHelp) process.exitCode = EXIT.usage;
  (isHelp ? process.stdout : process.stderr).write(
    isHelp ? TASK_HELP : `error: Cannot start a task by hand: agents start tasks\n\n${TASK_HELP}`,
  );
}

function serverCommand(role: Server): Command {
  const { text, example } = ABOUT[role];
  const command = new Command(`luciole --role ${role}`)
    .usage("[options]")
    .description(text)
    .helpOption("-h, --help", "print help")
    .addHelpText(
      "after",
      `\nEach option has a variable: --token-file is LUCIOLE_TOKEN_FILE. A flag wins over its variable.\n\nExample: ${example}`,
    )
    .exitOverride();
  addOptions(command, specsOf(role));
  return command;
}

function specsOf(role: Server): readonly OptionSpec[] {
  return ROLE_SETTINGS[role].map((name) => {
    const setting: Setting<unknown> = SETTINGS[name];
    const fallback = DEFAULTS[role][name];
    return fallback === undefined ? setting : { ...setting, default: fallback };
  });
}
