/**
 * Strikes processes of a job: kills or stops one of them, and sees that it goes on or another takes its place.
 */
import type { Cluster } from "../e2e/cluster.ts";
import { workersOf } from "./course.ts";
import type { DriverProcess } from "./driver_process.ts";
import type { Fault } from "./scenario.ts";

export interface Struck {
  readonly what: string;
  /** It goes on, or one in its place is there. */
  readonly over: Promise<void>;
}

/** @returns Undefined where there is nobody to strike any more. */
export function strike(fault: Fault, cluster: Cluster, driver: DriverProcess): Struck | undefined {
  switch (fault.role) {
    case "master":
      return strikeMaster(fault, cluster);
    case "agent":
      return strikeAgent(fault, cluster);
    case "worker": {
      const workers = workersOf(cluster);
      if (workers.length === 0) return undefined;
      return strikeProcess(fault, workers[fault.which % workers.length]);
    }
    case "driver":
      return driver.isThere ? strikeProcess(fault, driver.pid) : undefined;
  }
}

function strikeMaster(fault: Fault, cluster: Cluster): Struck | undefined {
  const { master } = cluster;
  if (!master.isThere) return undefined;
  if (fault.act === "stop") return strikeProcess(fault, master.child.pid);
  const ended = master.end("SIGKILL");
  const over = ended.then(() => after(fault.forMs)).then(() => cluster.startMaster());
  return { what: `master ${master.child.pid}`, over };
}

function strikeAgent(fault: Fault, cluster: Cluster): Struck | undefined {
  const there = [...cluster.agents].filter(([, { isThere }]) => isThere);
  if (there.length === 0) return undefined;
  const [name, agent] = there[fault.which % there.length];
  if (fault.act === "stop") return strikeProcess(fault, agent.child.pid, `agent ${name}`);
  const ended = agent.end("SIGKILL");
  const over = ended.then(() => after(fault.forMs)).then(() => cluster.startAgent(name));
  return { what: `agent ${name}`, over };
}

function strikeProcess(
  { act, role, forMs }: Fault,
  pid: number,
  what = `${role} ${pid}`,
): Struck | undefined {
  if (!send(pid, act === "kill" ? "SIGKILL" : "SIGSTOP")) return undefined;
  const over = act === "kill" ? Promise.resolve() : after(forMs).then(() => void send(pid, "SIGCONT"));
  return { what, over };
}

/** How long a fault lasts is a part of it. @param until Whatever ends it before. */
export async function after(ms: number, until: readonly Promise<unknown>[] = []): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([over, ...until]);
  clearTimeout(timer);
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
