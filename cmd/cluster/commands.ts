/**
 * The command lines of `luciole status`, `jobs`, `logs`, `cancel`, `doctor` and `deploy`.
 */
import process from "node:process";
import { type Command, Option } from "@commander-js/extra-typings";
import { type ClientConfig, compileAgentConfig, compileClientConfig } from "../../core/cluster/config.ts";
import { SETTINGS, type SettingTexts } from "../../core/cluster/settings.ts";
import { checkVariables } from "../../core/cluster/variables.ts";
import { FlagReader, wholeNumber } from "../../core/program/flag_reader.ts";
import { thisMachine } from "../../net/runtime/machine.ts";
import { addOptions, type OptionHolder, type OptionSpec, readOptions } from "../option_texts.ts";
import { attempt } from "../output.ts";
import { OTHER_VARIABLES } from "../variables.ts";

const JSON_OPTION: OptionSpec = { name: "json", text: "the result as JSON" };
const CLIENT_OPTIONS: readonly OptionSpec[] = [
  { ...SETTINGS.master, default: "127.0.0.1:7400" },
  SETTINGS.tokenFile,
  SETTINGS.tlsCert,
  SETTINGS.tlsKey,
  SETTINGS.tlsCa,
  JSON_OPTION,
];
const LOGS_OPTIONS: readonly OptionSpec[] = [
  { name: "worker", value: "n", text: "lines of this worker only; -1 for those of agents" },
  { name: "follow", letter: "f", text: "go on until the job ends" },
];
const ATTACH_OPTIONS: readonly OptionSpec[] = [
  { name: "from-now", text: "leave out what was printed before" },
];
const DEPLOY_OPTIONS: readonly OptionSpec[] = [
  { name: "stop", text: "end what runs there" },
  {
    ...SETTINGS.master,
    text: "addresses of the masters; those on HOSTS are started",
    default: "the first of HOSTS",
  },
  { ...SETTINGS.tokenFile, default: "~/.luciole/token, made when missing" },
  SETTINGS.tlsCert,
  SETTINGS.tlsKey,
  SETTINGS.tlsCa,
  SETTINGS.insecure,
  {
    name: "directory",
    value: "dir",
    text: "where everything goes on the hosts",
    default: ".luciole, at home",
  },
  { name: "executables", value: "dir", text: "folder of the executables for other platforms" },
  JSON_OPTION,
];

const { port, slots, drivers, memory, disk, dataDir, dataCenter, rack, labels, logLevel } = SETTINGS;
/** Handed on to the agents. */
const AGENT_OPTIONS: readonly OptionSpec[] = [
  port,
  slots,
  drivers,
  memory,
  disk,
  dataDir,
  dataCenter,
  rack,
  labels,
  logLevel,
].map((setting: OptionSpec) => ({ ...setting, text: `of agents: ${setting.text}` }));

export function addClusterCommands(root: Command): void {
  const status = root.command("status").description("show agents and what is free");
  addVerb(status, CLIENT_OPTIONS, async (texts, config) => {
    const { showStatus } = await import("./client.ts");
    await showStatus(config, texts);
  });
  const jobs = root.command("jobs").description("list the jobs that run, and how others ended of late");
  addVerb(jobs, CLIENT_OPTIONS, async (texts, config) => {
    const { showJobs } = await import("./client.ts");
    await showJobs(config, texts);
  });
  addLogs(root);
  addAttach(root);
  addCancel(root);
  const doctor = root.command("doctor").description("say what is wrong, and what to do");
  addVerb(doctor, CLIENT_OPTIONS, async (texts, config) => {
    const { doctor } = await import("./doctor.ts");
    await doctor(config, texts.json === "true");
  });
  addDeploy(root);
}

/** Settings are read and checked before anything is loaded. */
function addVerb(
  command: OptionHolder & { action(act: () => Promise<void>): unknown },
  options: readonly OptionSpec[],
  act: (texts: SettingTexts, config: ClientConfig) => Promise<void>,
): void {
  addOptions(command, options);
  command.action(() => perform(command, options, act));
}

function perform(
  command: OptionHolder,
  options: readonly OptionSpec[],
  act: (texts: SettingTexts, config: ClientConfig) => Promise<void>,
): Promise<void> {
  const texts = readOptions(command, options);
  return attempt(texts.json === "true", async () => {
    checkVariables(process.env, OTHER_VARIABLES);
    await act(texts, compileClientConfig(texts, process.env));
  });
}

function addLogs(root: Command): void {
  const command = root
    .command("logs")
    .description("show what a job has printed of late")
    .argument("<JOB>", "its id, the beginning of it, or its name");
  const options = [...LOGS_OPTIONS, ...CLIENT_OPTIONS];
  addOptions(command, options);
  command.action((job) =>
    perform(command, options, async (texts, config) => {
      const worker = texts.worker === "-1" ? -1 : new FlagReader(texts, {}).read(WORKER);
      const { showLogs } = await import("./client.ts");
      await showLogs(config, texts, job, {
        ...(worker === undefined ? {} : { worker }),
        isFollowed: texts.follow === "true",
      });
    }),
  );
}

const WORKER = { name: "worker", ...wholeNumber(0, 1_000_000) };

function addAttach(root: Command): void {
  const command = root
    .command("attach")
    .description("follow a detached job, and end as it does")
    .argument("<JOB>", "its id, the beginning of it, or its name")
    .addHelpText("after", "\nCtrl-C leaves the job as it is.");
  const options = [...ATTACH_OPTIONS, ...CLIENT_OPTIONS];
  addOptions(command, options);
  command.action((job) =>
    perform(command, options, async (texts, config) => {
      const { attachJob } = await import("./client.ts");
      await attachJob(config, job, { isFromNow: texts["from-now"] === "true" });
    }),
  );
}

function addCancel(root: Command): void {
  const command = root
    .command("cancel")
    .description("end a job")
    .argument("<JOB>", "its id, the beginning of it, or its name");
  addOptions(command, CLIENT_OPTIONS);
  command.action((job) =>
    perform(command, CLIENT_OPTIONS, async (texts, config) => {
      const { cancelJob } = await import("./client.ts");
      await cancelJob(config, texts, job);
    }),
  );
}

function addDeploy(root: Command): void {
  const sshOption = new Option("--ssh-option <option>", "for ssh and scp, such as Port=2222; may be repeated")
    .argParser((text: string, before: string[]) => [...before, text])
    .default([], "none");
  const command = root
    .command("deploy")
    .description("start a master and agents over ssh")
    .usage("[options] HOSTS...")
    .argument("<HOSTS...>", "host or user@host; the first one gets the master")
    .addOption(sshOption)
    .addHelpText("after", "\nExample: luciole deploy n1 n2 n3 --slots 8 --labels gpu=yes");
  const options = [...DEPLOY_OPTIONS, ...AGENT_OPTIONS];
  addOptions(command, options);
  command.action((hosts, { sshOption }) =>
    perform(command, options, async (texts, { masters, security }) => {
      const { deploy } = await import("./deploy.ts");
      // Slips are found here, not on a hundred hosts.
      compileAgentConfig(texts, {}, thisMachine());
      await deploy({
        hosts,
        ...(texts.master === undefined ? {} : { masters }),
        security,
        agentArgs: AGENT_OPTIONS.flatMap(({ name }) => wordsOf(name, texts[name])),
        directory: texts.directory ?? ".luciole",
        ...(texts.executables === undefined ? {} : { executables: texts.executables }),
        sshOptions: sshOption,
        isStop: texts.stop === "true",
        isJson: texts.json === "true",
      });
    }),
  );
}

function wordsOf(name: string, text: string | undefined): readonly string[] {
  return text === undefined ? [] : [`--${name}`, text];
}
