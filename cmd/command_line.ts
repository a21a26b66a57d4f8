/**
 * The verbs of `luciole`: their flags, their help, and what a mistake in them is answered with.
 *
 * Knows argv only. Each verb's module is loaded when it is called.
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { Command, CommanderError, Option } from "@commander-js/extra-typings";
import { EXIT } from "../core/program/exit_codes.ts";
import { WORKER_ENV } from "../net/protocol.ts";
import { outliveReaders } from "../net/runtime/closed_pipes.ts";
import { addClusterCommands } from "./cluster/commands.ts";
import { HELP_TOPICS } from "./help_topics.ts";
import { attempt, reportError } from "./output.ts";
import { ROLES, type RoleArguments, splitRole } from "./roles/role_argv.ts";
import { explainTask, runServer } from "./roles/role_commands.ts";
import { addRun, addSubmit } from "./run_command.ts";
import { printVersion, VERSION } from "./version.ts";

/** Runs one command line, `argv` without the executable; sets the exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  outliveReaders();
  const root = createCommandLine();
  const verbs = root.commands.map((command) => command.name());
  let role: RoleArguments | undefined;
  try {
    role = splitRole(argv, verbs, process.env[WORKER_ENV.role]);
  } catch (error) {
    return reportError(error, argv.includes("--json"));
  }
  switch (role?.role) {
    case "master":
    case "agent":
      return runServer(role.role, role.rest);
    case "task":
      return explainTask(role.rest);
    case "driver":
      return runVerb(root, ["run", ...role.rest]);
    case undefined:
      return runVerb(root, argv);
  }
}

async function runVerb(root: Root, argv: readonly string[]): Promise<void> {
  try {
    await root.parseAsync(argv, { from: "user" });
  } catch (error) {
    // Commander has said what is wrong.
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const [first] = argv;
    if (error.code !== "commander.unknownCommand" || first === undefined) return;
    const meant = ROLES.some((role) => role === first) ? `--role ${first}` : `run ${first}`;
    if (meant.startsWith("--") || existsSync(first))
      process.stderr.write(`(Did you mean luciole ${meant}?)\n`);
  }
}

function createCommandLine() {
  const root = new Command("luciole")
    .description("A distributed dataflow engine for TypeScript.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .configureHelp({ subcommandTerm: termOf })
    .option("--role <role>", `be a part of a cluster: ${ROLES.join(", ")}; luciole --role agent --help`)
    .enablePositionalOptions()
    .addHelpText(
      "after",
      "\nMore: luciole help COMMAND, luciole help agent, luciole help exit-codes, luciole help variables",
    )
    // Commands inherit it: a mistake becomes an exception, so exit codes are decided in one place.
    .exitOverride();
  root.commandsGroup("Programs:");
  addRun(root);
  addCompile(root);
  addPlot(root);
  root.commandsGroup("Clusters:");
  addSubmit(root);
  addClusterCommands(root);
  addToken(root);
  addCert(root);
  root.commandsGroup("Other:");
  addVersion(root);
  addHelp(root);
  return root;
}

type Root = Command;

/** The name and its arguments: that there are options goes without saying. */
function termOf(command: { name(): string; readonly registeredArguments: readonly Argument[] }): string {
  const words = command.registeredArguments.map((argument) => {
    const word = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? word : `[${word}]`;
  });
  return [command.name(), ...words].join(" ");
}

interface Argument {
  readonly required: boolean;
  readonly variadic: boolean;
  name(): string;
}

function addCompile(root: Root): void {
  root
    .command("compile")
    .description("make one executable of a program")
    .usage("[options] PROGRAM")
    .argument("<PROGRAM>", "the program's file")
    .option("-o, --out <file>", "the executable (default: the program's name without its extension, here)")
    .option("--json", "the result as JSON")
    .action((program, options) =>
      attempt(options.json === true, async () => {
        const { compile } = await import("./compile.ts");
        await compile(program, options.out, options.json === true);
      }),
    );
}

function addPlot(root: Root): void {
  root
    .command("plot")
    .description("draw the plan of a flow without running it")
    .usage("[options] PROGRAM")
    .argument("<PROGRAM>", "the program's file")
    .option("--flow <name>", "the flow (default: the only one)")
    .option("--params <json>", "parameters of the flow (default: none)")
    .addOption(
      new Option("--format <format>", "form of the drawing")
        .choices(["dot", "mermaid", "svg"] as const)
        .default("mermaid" as const),
    )
    .option("--json", "the drawing inside of a JSON object")
    .addHelpText(
      "after",
      '\nA dataset handle among the parameters is written {"$dataset": {"shards": 2, "rows": 1000}}, ' +
        "with sizes as they may be.",
    )
    .action((program, options) =>
      attempt(options.json === true, async () => {
        const { plot } = await import("./plot.ts");
        await plot(program, options);
      }),
    );
}

function addToken(root: Root): void {
  root
    .command("token")
    .description("make the file of a cluster's secret")
    .usage("[options] [FILE]")
    .argument("[FILE]", "the file", "luciole.token")
    .option("--json", "the result as JSON")
    .action((file, options) =>
      attempt(options.json === true, async () => {
        const { token } = await import("./token.ts");
        await token(file, options.json === true);
      }),
    );
}

function addCert(root: Root): void {
  const cert = root.command("cert").description("make certificates for TLS");
  const days = new Option("--days <n>", "how long they are valid").default("365");
  const hosts = "names and addresses under which masters and agents are dialled, beside this machine's";
  cert
    .command("init")
    .description("make an authority, and certificates for servers and clients")
    .argument("<DIR>", "where the files go; keep ca.key of it in a safe place")
    .option("--host <name...>", hosts)
    .addOption(days)
    .option("--json", "the result as JSON")
    .action((directory, options) =>
      attempt(options.json === true, async () => {
        const { certInit } = await import("./cert.ts");
        await certInit(directory, options);
      }),
    );
  cert
    .command("add")
    .description("make one more certificate of the authority in DIR")
    .argument("<DIR>", "where cert init made its files")
    .argument("<NAME>", "name of the files: NAME.crt and NAME.key")
    .option("--host <name...>", "names and addresses of a server; without, it is for clients")
    .addOption(days)
    .option("--json", "the result as JSON")
    .action((directory, name, options) =>
      attempt(options.json === true, async () => {
        const { certAdd } = await import("./cert.ts");
        await certAdd(directory, name, options);
      }),
    );
}

function addVersion(root: Root): void {
  root
    .command("version")
    .description("print what this executable is")
    .option("--json", "the result as JSON")
    .action((options) => printVersion(options.json === true));
}

function addHelp(root: Root): void {
  root
    .command("help")
    .description("print help on a command or a topic")
    .usage("[options] [TOPIC]")
    .argument("[TOPIC]", `a command, or one of ${[...ROLES, ...HELP_TOPICS.keys()].join(", ")}`)
    .action((topic) => {
      if (topic === undefined) return root.outputHelp();
      const text = HELP_TOPICS.get(topic);
      if (text !== undefined) return void process.stdout.write(`${text}\n`);
      const role = ROLES.find((known) => known === topic);
      if (role !== undefined) return runCommandLine(["--role", role, "--help"]);
      const command = root.commands.find((known) => known.name() === topic);
      if (command === undefined) {
        const topics = [...root.commands.map((known) => known.name()), ...ROLES, ...HELP_TOPICS.keys()];
        root.error(`error: no help on '${topic}'; there is help on ${topics.join(", ")}`);
      }
      command?.outputHelp();
    });
}
