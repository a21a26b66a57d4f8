/**
 * Reads how a job ended, as a driver or an agent tells it: for people only, so long texts are cut, never refused.
 */
import { JOB_OUTCOMES, type JobEnd, MAX_CAUSE, MAX_DETAILS } from "../core/cluster/job_end.ts";
import { type Fields, list, malformed, natural, shownText, text } from "./fields.ts";

export function jobEnd({ outcome: told, cause, details, allWorkers, isGuess }: Fields): JobEnd {
  const outcome = JOB_OUTCOMES.find((known) => known === told);
  if (outcome === undefined) throw malformed("outcome", JOB_OUTCOMES.join(" or "), told);
  const lines = list(details, "details").slice(0, MAX_DETAILS);
  return {
    outcome,
    cause: shownText(text(cause, "cause"), MAX_CAUSE),
    details: lines.map((line) => shownText(text(line, "details"), MAX_CAUSE)),
    ...(allWorkers === undefined ? {} : { allWorkers: natural(allWorkers, "allWorkers") }),
    ...(isGuess === true ? { isGuess } : {}),
  };
}
