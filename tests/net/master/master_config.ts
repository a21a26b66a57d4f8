/** How masters are started in tests. */
import type { MasterConfig } from "../../../core/cluster/config.ts";

export function masterConfig(changes: Partial<MasterConfig>): MasterConfig {
  return {
    id: "m1",
    host: "127.0.0.1",
    port: 0,
    security: { tls: {}, isInsecure: false },
    heartbeatMs: 2_000,
    lostMs: 10_000,
    logLevel: "info",
    isJson: false,
    warnings: [],
    ...changes,
  };
}
