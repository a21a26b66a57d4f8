/**
 * The ready tasks of one group, lowest number first unless another order was given, as a whole and by
 * the agent that each prefers.
 *
 * Entries are never removed before their turn: whoever takes one asks whether the
 * task is still ready. It knows numbers and agents only.
 */

/** A binary heap of small integers. */
class NumberHeap {
  readonly #items: number[] = [];

  push(value: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(value);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent] <= value) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = value;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1] < items[child]) child += 1;
      if (items[child] >= last) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}

export class ReadyTasks {
  #order: readonly number[] | undefined;
  /** Place of each task in the order. */
  #places: Uint32Array | undefined;
  readonly #all = new NumberHeap();
  readonly #byAgent = new Map<string, NumberHeap>();

  /** Has tasks taken in this order, not by their numbers; call before the first is pushed. */
  begin(order: readonly number[]): void {
    this.#order = order;
    this.#places = new Uint32Array(order.length);
    for (const [place, task] of order.entries()) this.#places[task] = place;
  }

  push(number: number, agent: string | undefined): void {
    const task = this.#places?.[number] ?? number;
    this.#all.push(task);
    if (agent === undefined) return;
    let heap = this.#byAgent.get(agent);
    if (heap === undefined) {
      heap = new NumberHeap();
      this.#byAgent.set(agent, heap);
    }
    heap.push(task);
  }

  /** Takes the first task that `accepts` takes; the others before it are dropped. */
  take(accepts: (task: number) => boolean): number | undefined {
    return takeFrom(this.#all, this.#order, accepts);
  }

  takePreferring(agent: string, accepts: (task: number) => boolean): number | undefined {
    const heap = this.#byAgent.get(agent);
    return heap === undefined ? undefined : takeFrom(heap, this.#order, accepts);
  }
}

function takeFrom(
  heap: NumberHeap,
  order: readonly number[] | undefined,
  accepts: (task: number) => boolean,
): number | undefined {
  for (;;) {
    const place = heap.pop();
    const task = place === undefined ? undefined : (order?.[place] ?? place);
    if (task === undefined || accepts(task)) return task;
  }
}
