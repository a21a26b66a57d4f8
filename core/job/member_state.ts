/**
 * The states of a worker as a member of its job, and which may follow which.
 *
 * docs/states.md shows the table; a test compares both. What happens to members is decided in membership.ts.
 */
import { checkMove, type Table } from "../schedule/transitions.ts";
import type { WorkerInfo } from "./worker_info.ts";

type MemberPhase = "joining" | "joined" | "failed" | "leaving" | "gone";

export const MEMBER_TRANSITIONS: Table<MemberPhase> = {
  joining: ["joined", "leaving", "gone"],
  joined: ["failed", "leaving", "gone"],
  // To itself: the process that took its place ended before it asked for work.
  failed: ["joined", "failed", "leaving", "gone"],
  leaving: ["gone"],
  gone: [],
};

export interface Member {
  readonly info: WorkerInfo;
  phase: MemberPhase;
}

/** @throws {InvariantError} When the phase may not follow, with the story of the worker set. */
export function moveMember(member: Member, to: MemberPhase, story: readonly string[]): void {
  const { phase: from, info } = member;
  checkMove(MEMBER_TRANSITIONS, { what: "member", name: `worker ${info.worker}`, from, to, story });
  member.phase = to;
}
