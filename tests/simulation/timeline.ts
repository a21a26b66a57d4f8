/**
 * A clock that stands still but for what is due: acts are performed in the order of their times, and those of one time
 * in the order in which they were planned.
 */

interface Act {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Timeline {
  now = 0;
  /** Acts that were performed. */
  steps = 0;
  readonly #heap: Act[] = [];
  #planned = 0;

  after(ms: number, run: () => void): void {
    const act = { at: this.now + Math.max(0, ms), order: this.#planned, run };
    this.#planned += 1;
    const heap = this.#heap;
    let at = heap.length;
    heap.push(act);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent], act)) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = act;
  }

  /** Performs what is due next; false when nothing is. */
  step(): boolean {
    const act = this.#pop();
    if (act === undefined) return false;
    this.now = act.at;
    this.steps += 1;
    act.run();
    return true;
  }

  #pop(): Act | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child += 1;
      if (isBefore(last, heap[child])) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(a: Act, b: Act): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}
