/**
 * What must not be left of a simulated job when its executions have ended and its handles are gone, and what its
 * messages must have come to.
 */
import type { Execution, Task } from "../../core/schedule/execution_state.ts";
import { isDone, taskName } from "../../core/schedule/transitions.ts";
import type { DriverNode } from "./driver_node.ts";

/** What is left; undefined when nothing is. */
export function leftOf(driver: DriverNode, job: string, hasMail: boolean): string | undefined {
  const { state, lines, crew, scaling } = driver;
  // Without an agent nothing of what was lost comes back.
  const known = [...state.executions.values()].filter(
    (execution) => !isKept(execution) || (execution.status.kind === "recovering" && lines.size > 0),
  );
  if (known.length > 0) {
    const left = known.map(({ id, history }) => `${id}: ${history.join(", ")}`);
    return `executions are not forgotten: ${left.join("; ")}`;
  }
  if (!scaling.isIdle) return "workers are being added or taken away";
  const unheard = crew.left();
  if (unheard !== undefined && hasMail) return unheard;
  if (state.attempts.size > 0) return `attempts ${[...state.attempts.keys()]} are not forgotten`;
  return wrongSeats(driver) ?? leftOnAgents(driver, job);
}

/** The scheduler gives tasks to the workers that are to stay, and to no others. */
function wrongSeats({ state, lines, crew }: DriverNode): string | undefined {
  for (const { id, slots, workers = [] } of state.agents.values()) {
    const own = crew.on(id);
    // One whose workers cannot be started says so when it gets tasks.
    if (own.length === 0 && slots > 0 && lines.has(id)) continue;
    const isRight = lines.has(id) && slots === own.length && own.every((worker) => workers.includes(worker));
    if (!isRight) return `workers ${workers} of ${id} get tasks, and the job has ${own} there`;
  }
  const lost = crew.workers.find(({ agent }) => !state.agents.has(agent));
  return lost && `worker ${lost.worker} of ${lost.agent} gets no tasks`;
}

function leftOnAgents({ lines, crew, strays }: DriverNode, job: string): string | undefined {
  for (const { agent } of lines.values()) {
    const part = agent.jobs.get(job);
    const stray = part?.present.filter((worker) => crew.hasLeft(agent.name, worker)) ?? [];
    const mails = crew.on(agent.name).map((worker) => part?.mailsOf(worker).at(-1));
    if (mails.some((mail) => mail?.isQuiet === false)) return `messages of ${agent.name} are under way`;
    if (stray.length > 0) return `workers ${stray} are at work on ${agent.name}, and were taken away`;
    const shards = part?.shards.filter((attempt) => !strays.has(attempt)) ?? [];
    if (shards.length > 0) return `shards ${shards.join(" ")} are left on ${agent.name}`;
  }
  return undefined;
}

/** @throws When somebody heard something else than it had to. */
export function checkMail({ crew, lines }: DriverNode, job: string): void {
  crew.check(({ agent, worker }) => lines.get(agent)?.agent.jobs.get(job)?.mailsOf(worker));
}

/** How far a driver is, for a run that does not end. */
export function describeDriver({ state }: DriverNode): readonly string[] {
  const running = [...state.executions.values()].flatMap(({ id, status, groups }) => [
    `${id} ${status.kind}`,
    ...groups.flatMap(({ tasks }) => tasks.flatMap(describeTask)),
  ]);
  const agents = [...state.agents.values()].map(
    ({ id, slots, running: held }) => `${id} ${held.size}/${slots}`,
  );
  return [...agents, ...running];
}

/** What an earlier driver saw the end of is known as long as the job, and what it was made of. */
function isKept({ isReplayed, downstream }: Execution): boolean {
  return isReplayed || [...downstream].some(isKept);
}

/** What holds up a task that is not done. */
function describeTask(task: Task): string[] {
  if (isDone(task)) return [];
  return [`${taskName(task)} ${task.status.kind}: ${task.history.slice(-6).join(", ")}`];
}
