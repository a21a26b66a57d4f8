/**
 * What a master keeps of one agent, and which of its states may follow which.
 *
 * The only place that changes a state. docs/states.md shows the table; a test compares both.
 */
import { checkMove, type Table } from "../schedule/transitions.ts";
import type { AgentInfo, AgentLoad, AgentState, Heartbeat } from "./agent_info.ts";

export const AGENT_TRANSITIONS: Table<AgentState | "forgotten"> = {
  // To itself: another process took the place of one that was not missed yet.
  alive: ["alive", "lost", "left"],
  lost: ["alive", "left", "forgotten"],
  left: ["alive", "forgotten"],
  forgotten: [],
};

/** Processes of one name that are remembered as replaced. */
const MAX_REPLACED = 8;
const MAX_STORY = 20;

export interface AgentRecord {
  agent: AgentInfo;
  load: AgentLoad;
  state: AgentState | "forgotten";
  sequence: number;
  /** When it was heard of. */
  heardAt: number;
  /** When it came to its state. */
  changedAt: number;
  /** Incarnations whose place this one took: they do not get it back while it is alive. */
  readonly replaced: string[];
  /** The incarnation that was refused its name last; told once. */
  refused?: string;
  readonly story: string[];
}

export function newRecord({ agent, load, sequence, isLeaving }: Heartbeat, now: number): AgentRecord {
  const state = isLeaving === true ? "left" : "alive";
  const story = [`${now} ${state}`];
  return { agent, load, state, sequence, heardAt: now, changedAt: now, replaced: [], story };
}

/** @throws {InvariantError} When the state may not follow, with the agent's story. */
export function moveAgent(record: AgentRecord, state: AgentRecord["state"], now: number): void {
  const { story, agent, state: from } = record;
  checkMove(AGENT_TRANSITIONS, { what: "agent", name: agent.id, from, to: state, story });
  record.state = state;
  record.changedAt = now;
  if (story.length >= MAX_STORY) story.shift();
  story.push(`${now} ${state}`);
}

/** Another process has the name from now on. */
export function replaceProcess(record: AgentRecord, { agent }: Heartbeat): void {
  const { replaced } = record;
  const known = replaced.indexOf(agent.incarnation);
  if (known >= 0) replaced.splice(known, 1);
  if (replaced.length >= MAX_REPLACED) replaced.shift();
  replaced.push(record.agent.incarnation);
  record.sequence = -1;
  delete record.refused;
}
