/**
 * Records the nodes of one graph while its builder runs.
 *
 * It numbers nodes, freezes them and notes the user's line of each. It knows
 * nothing of what the operations mean.
 */
import { PlanError } from "../errors.ts";
import { deferCallSite, formatCallSite, isSameSite } from "./call_site.ts";
import type { CallSite, GraphNode, NodeId, NodeSpec } from "./node.ts";

export class Recorder {
  readonly flow: string;
  readonly #nodes: GraphNode[] = [];
  readonly #flowSite: CallSite | undefined;
  /** The line that asked for the graph; seen when the builder's own frame was a tail call. */
  readonly #outerSite: () => CallSite | undefined;
  #isClosed = false;

  constructor(flow: string, flowSite: CallSite | undefined) {
    this.flow = flow;
    this.#flowSite = flowSite;
    this.#outerSite = deferCallSite();
  }

  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /** @throws {PlanError} When the builder has returned already. */
  add(spec: NodeSpec, inputs: readonly NodeId[]): NodeId {
    const callSite = this.#deferSite(inputs);
    if (this.#isClosed) {
      throw new PlanError(
        `Cannot add ${spec.kind} to flow "${this.flow}" at ${formatCallSite(callSite())}: its builder has returned`,
      );
    }
    const id = this.#nodes.length;
    const node = {
      id,
      inputs: Object.freeze([...inputs]),
      get callSite() {
        return callSite();
      },
      spec: Object.freeze(spec),
    };
    this.#nodes.push(Object.freeze(node));
    return id;
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * The user's line that is adding a node just now.
   *
   * JavaScriptCore drops the frame of a function whose last act is a call, so the
   * line of `(f) => f.values(…).map(…)` may be missing: its input's line is nearest.
   */
  callSite(inputs: readonly NodeId[]): CallSite | undefined {
    return this.#deferSite(inputs)();
  }

  #deferSite(inputs: readonly NodeId[]): () => CallSite | undefined {
    const own = deferCallSite();
    return () => {
      const site = own();
      if (site !== undefined && !isSameSite(site, this.#outerSite())) return site;
      const input = inputs[0];
      return (input === undefined ? undefined : this.#nodes[input].callSite) ?? this.#flowSite ?? site;
    };
  }
}
