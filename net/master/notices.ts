/**
 * What a master tells its operator of changes in the cluster, one line each.
 */

import type { AgentInfo } from "../../core/cluster/agent_info.ts";
import type { RegistryChange } from "../../core/cluster/registry.ts";
import { plural } from "../../core/program/plural.ts";

/** Undefined for what is not worth a line. */
export function describeChange(change: RegistryChange): string | undefined {
  switch (change.kind) {
    case "joined":
      return `${nameOf(change.agent)} has come, with ${plural(change.agent.slots, "slot")}`;
    case "returned":
      return `${nameOf(change.agent)} is back`;
    case "replaced":
      return `${nameOf(change.agent)} was started anew`;
    case "left":
      return `${nameOf(change.agent)} has left`;
    case "lost":
      return `${nameOf(change.agent)} is lost: nothing was heard of it for ${Math.round(change.silentMs)} ms`;
    case "refused":
      return change.isNew ? change.error.message : undefined;
    case "forgotten":
      return undefined;
  }
}

function nameOf({ id, host, address }: AgentInfo): string {
  return `agent ${id} of host ${host} (${address})`;
}
