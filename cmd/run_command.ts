/**
 * The command line of `luciole run`.
 */
import type { Command } from "@commander-js/extra-typings";
import { SETTINGS, type SettingTexts } from "../core/cluster/settings.ts";
import { LOG_LEVELS } from "../core/program/limits.ts";
import { addOptions, type OptionSpec, readOptions } from "./option_texts.ts";
import { attempt } from "./output.ts";

const LOCAL: readonly OptionSpec[] = [
  {
    name: "workers",
    value: "n",
    text: "number of workers, or 2..16 to follow the load (default: all cores, or all slots)",
  },
  {
    name: "memory",
    value: "size",
    text: "memory of all workers together, such as 2GiB (default: half of the machine's)",
  },
  { name: "fixed", text: "the program may not change the number of workers" },
  { name: "quiet", text: "no progress" },
  {
    name: "log-level",
    value: "level",
    text: `least level of log lines shown: ${LOG_LEVELS.join(", ")} (default: info)`,
  },
  { name: "event-log", value: "file", text: "append what happens to the job to a file, as JSON lines" },
  { name: "checkpoint", value: "dir", text: "keep in a directory what a later run needs to go on from" },
  { name: "resume", text: "go on from what an earlier run left in --checkpoint" },
  { name: "json", text: "progress and errors as JSON lines on stderr" },
];

const { master, tokenFile, tlsCert, tlsKey, tlsCa, dataCenter, rack, labels, lease, insecure } = SETTINGS;

const CLUSTER: readonly OptionSpec[] = [
  { ...master, text: `run on a cluster: ${master.text}` },
  { name: "no-wait", text: "fail when the cluster has no room now, instead of waiting" },
  tokenFile,
  tlsCert,
  tlsKey,
  tlsCa,
  { ...dataCenter, text: "run on agents of this data centre only" },
  { ...rack, text: "run on agents of this rack only" },
  { ...labels, text: "run on agents with these labels only, such as gpu=yes" },
  { ...lease, default: "30s" },
];

const FOLLOW_TEXT = "show what it prints, and end as it does";

const DETACHED: readonly OptionSpec[] = [
  {
    name: "detach",
    text: "have an agent run the driver, and print the id of the job: luciole attach follows it",
  },
  { name: "follow", text: `with --detach: ${FOLLOW_TEXT}` },
];

const SYMMETRIC: readonly OptionSpec[] = [
  {
    name: "symmetric",
    text: "be one of many that run the same command: rank 0 drives, the others are agents",
  },
  { name: "rank", value: "n", text: "rank of this process (default: as Slurm, Open MPI or pssh tell)" },
  { name: "ranks", value: "n", text: "how many there are (default: likewise)" },
  { name: "head", value: "address", text: "where rank 0 runs (default: the first host of SLURM_NODELIST)" },
  { ...insecure, text: "let the ranks listen without a secret" },
];

const ALL = [...LOCAL, ...CLUSTER, ...DETACHED, ...SYMMETRIC];

export function addRun(root: Command): void {
  addVerb(root.command("run").description("run a program"), ALL, {});
}

/** The same as `run --detach`. */
export function addSubmit(root: Command): void {
  const options = ALL.filter((spec) => !DETACHED.includes(spec) && !SYMMETRIC.includes(spec));
  options.push({ name: "follow", text: FOLLOW_TEXT });
  addVerb(root.command("submit").description("run a program with its driver on an agent"), options, {
    detach: "true",
  });
}

function addVerb(base: Command, options: readonly OptionSpec[], given: SettingTexts): void {
  const command = base
    .usage("[options] PROGRAM [args]")
    .argument("<PROGRAM>", "the program's file; all that follows it is the program's own")
    .argument("[args...]", "the program's own arguments")
    .passThroughOptions()
    .addHelpText("after", "\nEach option has an environment variable: luciole help variables");
  addOptions(command, options);
  command.action((program: string, args: readonly string[]) => {
    const texts = { ...readOptions(command, options), ...given };
    return attempt(texts.json === "true", async () => {
      const { runProgram } = await import("./run.ts");
      await runProgram(program, args, texts);
    });
  });
}
