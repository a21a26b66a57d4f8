/**
 * Bounds and words that flags of programs and of roles have in common.
 */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
/** More worker processes than any machine has use for. */
export const MAX_WORKERS = 4096;
