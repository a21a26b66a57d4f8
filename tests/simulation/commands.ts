/**
 * What a simulated driver does of what the scheduler decides, in its order, as net/driver/executor/executor.ts performs it.
 */

import type { TaskOrder } from "../../core/schedule/attempts/order.ts";
import type { JobCommand } from "../../core/schedule/job_state.ts";
import type { ExecutionOutcome } from "../../core/schedule/outcome.ts";
import type { AgentLine } from "./agent_line.ts";
import type { Copier } from "./copier.ts";
import type { Launches } from "./launches.ts";
import type { Outputs } from "./outputs.ts";
import type { World } from "./world.ts";

export interface CommandsOptions {
  readonly job: string;
  readonly lines: ReadonlyMap<string, AgentLine>;
  readonly launches: Launches;
  readonly outputs: Outputs;
  readonly copier: Copier | undefined;
  readonly onEnded: (execution: string, outcome: ExecutionOutcome) => void;
}

interface Launch {
  readonly agent: string;
  readonly order: TaskOrder;
}

export class Commands {
  readonly #options: CommandsOptions;
  readonly #world: World;

  constructor(options: CommandsOptions, world: World) {
    this.#options = options;
    this.#world = world;
  }

  perform(commands: readonly JobCommand[]): void {
    const { job, launches } = this.#options;
    const ordered: readonly Launch[] = commands.filter((command) => command.kind === "launch");
    this.#world.gangs.launched(job, ordered);
    for (const command of commands) {
      if (command.kind === "launch") {
        launches.add(command.agent, command.order);
      } else {
        launches.flush();
        this.#perform(command);
      }
    }
    launches.flush();
  }

  #perform(command: Exclude<JobCommand, { kind: "launch" }>): void {
    const { lines, launches, outputs, copier, onEnded } = this.#options;
    switch (command.kind) {
      case "cancel":
        lines
          .get(command.agent)
          ?.queue((part) => part.apply({ kind: "cancelled", attempts: [command.attempt] }));
        return;
      case "release":
        lines.get(command.agent)?.queue((part) => part.release(command.attempts, [], []));
        return;
      case "executionForgotten":
        launches.forget(command.execution);
        return;
      case "publishSinks":
        outputs.publish(command);
        return;
      case "executionEnded":
        onEnded(command.execution, command.outcome);
        return;
      case "warning":
        this.#world.tell(`driver-${this.#options.job}: ${command.text}`);
        return;
      case "keep":
        copier?.keep(command);
        return;
      case "restore":
        copier?.restore(command);
        return;
      case "outputReady":
      case "channelUnneeded":
      case "progress":
    }
  }
}
