/**
 * What follows when a task cannot read what it needs of an agent that is there: the two are cut off from each other,
 * while the driver reaches both, or shard after shard of that agent is gone or damaged.
 *
 * All that the task reads there is computed again elsewhere, at once: each of it would cost the task a loss. Where that
 * does not help, as with two agents that each lack what the other has, one of them is given up.
 */
import type { WireError } from "../../errors.ts";
import type { Agent } from "../agent_state.ts";
import type { Attempt, Task } from "../execution_state.ts";
import { isBarrier, partsOf } from "../shards/inputs.ts";
import { loseShard } from "../shards/revival.ts";
import { slotsOf } from "../slots/slots.ts";
import { type Turn, warn } from "../turn.ts";

/** As net/tcp_transport.ts calls it. */
const UNREACHABLE = "unreachable";
/** Losses in a row of one task after which the other agent is given up, or nothing that lies there is trusted. */
const PATIENCE = 2;

/** Whether a shard could not be read for want of a way to its agent. */
export function isOutOfReach({ code, cause }: WireError): boolean {
  return code === "shard-lost" && cause?.code === UNREACHABLE;
}

/** The reader did not reach the agent of a shard. */
export function loseOutOfReach(turn: Turn, reader: Attempt, shard: Attempt, error: WireError): void {
  const { agents } = turn.state;
  // Who was given up goes elsewhere itself; what it cannot reach stays.
  if (agents.get(reader.agent)?.isBroken === true) return;
  const { task } = reader;
  const agent = agents.get(shard.agent);
  if (agent !== undefined && task.losses >= PATIENCE) giveUp(turn, agent, task, error);
  loseAllRead(turn, task, shard.agent, error);
}

/** The reader found that a shard is not there or not whole: the third time in a row it may be so with all of them. */
export function loseDamaged(turn: Turn, { task }: Attempt, shard: Attempt, error: WireError): void {
  if (task.losses >= PATIENCE) loseAllRead(turn, task, shard.agent, error);
  if (shard.status.kind !== "committed") return;
  shard.task.avoid = shard.agent;
  task.avoid = undefined;
  loseShard(turn, shard, error.message);
}

/** Made elsewhere, and its reader may stay where it is. */
function loseAllRead(turn: Turn, task: Task, agent: string, error: WireError): void {
  for (const attempt of attemptsRead(task)) {
    if (attempt.agent !== agent || attempt.status.kind !== "committed") continue;
    attempt.task.avoid = agent;
    loseShard(turn, attempt, error.message);
  }
  task.avoid = undefined;
}

function giveUp(turn: Turn, agent: Agent, task: Task, error: WireError): void {
  const hasOther = [...turn.state.agents.values()].some((other) => other !== agent && slotsOf(other) > 0);
  if (agent.isBroken || !hasOther) return;
  const text = `agent ${agent.id} gets no tasks any more: others cannot reach it: ${error.message}`;
  warn(turn, task.group.execution, text);
  agent.isBroken = true;
}

/** Whose shards the task reads, of those that are committed. */
function attemptsRead(task: Task): readonly Attempt[] {
  const { group } = task;
  const read = new Set<Attempt>();
  for (const edge of group.edges) {
    const { producer } = edge;
    if (producer.kind === "channel") continue;
    const all = { from: 0, to: producer.tasks.length };
    const { from, to } = isBarrier(group, edge) ? all : partsOf(group, edge, task.shard);
    for (let i = from; i < to; i += 1) {
      const { status } = producer.tasks[i];
      if (status.kind === "committed") read.add(status.attempt);
    }
  }
  return [...read];
}
