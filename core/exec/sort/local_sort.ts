/**
 * The step "sort": sorts the rows of one task and gives them on in order.
 *
 * It knows nothing of how rows are sorted; see external_sorter.ts.
 */
import type { Batch } from "../../batch/column.ts";
import type { SortOrder } from "../../plan/physical.ts";
import { pushAll } from "../each_batch.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";
import { ExternalSorter } from "./external_sorter.ts";
import { sortKeysOf } from "./sort_keys.ts";

export function createLocalSort(scope: TaskScope, order: SortOrder, next: Operator): Operator {
  const sorter = new ExternalSorter(scope, sortKeysOf(scope, order), scope.memoryBytes);
  return {
    row: (row: unknown) => sorter.row(row),
    batch: (batch: Batch) => sorter.batch(batch),
    async finish(): Promise<void> {
      await pushAll(scope, await sorter.finish(), next);
      await next.finish();
    },
    close: () => sorter.close(),
  };
}
