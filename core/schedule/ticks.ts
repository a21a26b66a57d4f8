/**
 * What follows when time passes: tasks have rested, endings and waits take too long.
 *
 * Every wait of the scheduler that has a bound is ended here.
 */
import { NotEnoughResourcesError, toWireError } from "../errors.ts";
import { takeRested } from "./attempts/resting.ts";
import type { Execution } from "./execution_state.ts";
import { finish, progressOf } from "./executions.ts";
import { wake } from "./shards/waking.ts";
import {
  canEverFit,
  failForSlots,
  isStream,
  seatsOfStreams,
  slotsOfOthers,
  waitsForSlots,
} from "./slots/grants.ts";
import { setOf, totalSlots } from "./slots/slots.ts";
import type { WorkerSet } from "./slots/worker_sets.ts";
import { isActive } from "./transitions.ts";
import type { Turn } from "./turn.ts";

/** A failed execution waits this long for its attempts to stop. */
const ENDING_MS = 5_000;
/** A pipeline that does not fit any more waits this long for new slots. */
const STUCK_MS = 30_000;
/** A job without any slot waits this long for an agent, and an execution for one beside open streams. */
const SLOTLESS_MS = 60_000;
/** An execution waits so long for others in the place of workers that do not come back. */
const GONE_MS = 5_000;

export function onTick(turn: Turn): void {
  const { state, now } = turn;
  for (const task of takeRested(turn)) wake(turn, task);
  const streams = [...state.live].filter(isStream);
  for (const execution of state.live) {
    const { status } = execution;
    if (status.kind === "ending" && now - status.since >= ENDING_MS && !status.isPublishing) {
      finish(turn, execution, status.outcome);
    } else if (isActive(execution)) {
      const others = streams.filter((stream) => stream !== execution);
      watchSlots(turn, execution, others);
      if (execution.isChanged) turn.commands.push(progressOf(execution));
      execution.isChanged = false;
    }
  }
  for (const execution of state.pipelines) watchPipeline(turn, execution);
}

/** Fails what has had no worker for too long. */
function watchSlots(turn: Turn, execution: Execution, streams: readonly Execution[]): void {
  const { state, now, failures } = turn;
  const workers = setOf(state, execution);
  const isSlotless = totalSlots(state, workers) === 0 && execution.undone > 0;
  const isCrowded = streams.length > 0 && isCrowdedOut(turn, execution);
  execution.slotlessSince = isSlotless || isCrowded ? (execution.slotlessSince ?? now) : undefined;
  const { slotlessSince, running } = execution;
  // What workers that leave still perform may be the last of it.
  const isGone = !isCrowded && workers !== undefined && running.size === 0 && totalSlots(state) > 0;
  if (slotlessSince === undefined || now - slotlessSince < (isGone ? GONE_MS : SLOTLESS_MS)) return;
  const message = `Running execution ${execution.id}: ${whyNone(workers, isGone, isCrowded ? streams : [])}`;
  failures.push({ execution, error: toWireError(new NotEnoughResourcesError(message)) });
}

function whyNone(workers: WorkerSet, isGone: boolean, streams: readonly Execution[]): string {
  const s = SLOTLESS_MS / 1000;
  if (isGone) return `its workers ${[...(workers ?? [])].join(", ")} are gone`;
  if (streams.length === 0) return `the job has had no worker for ${s} s`;
  const names = streams.map(({ id }) => id).join(", ");
  return `open streams (${names}) have left it no room on its workers for ${s} s`;
}

/** It could run or compute again what was lost, and streams leave it too few slots before their drivers end them. */
function isCrowdedOut(turn: Turn, execution: Execution): boolean {
  const { status, running } = execution;
  if (status.kind === "publishing" || running.size > 0) return false;
  const needed = slotsNeeded(turn, execution);
  const { state } = turn;
  const set = setOf(state, execution);
  const slots = totalSlots(state, set);
  if (needed === 0 || slots === 0) return false;
  return slots - Math.max(slotsOfOthers(state, execution), seatsOfStreams(state, set)) < needed;
}

/** Without which nothing of it goes on. */
function slotsNeeded(turn: Turn, { groups, pipeline }: Execution): number {
  if (groups.some(({ readyCount }) => readyCount > 0)) return 1;
  return pipeline !== undefined && waitsForSlots(turn, pipeline) ? pipeline.pending.size : 0;
}

/** Slots may have gone since the pipeline got them; new ones may come, or it can never go on. */
function watchPipeline(turn: Turn, execution: Execution): void {
  const { pipeline } = execution;
  if (pipeline === undefined || (!pipeline.isGranted && !pipeline.isGang)) return;
  if (canEverFit(turn.state, execution, pipeline)) {
    pipeline.stuckSince = undefined;
    return;
  }
  pipeline.stuckSince ??= turn.now;
  if (turn.now - pipeline.stuckSince >= STUCK_MS) failForSlots(turn, execution, pipeline);
}
