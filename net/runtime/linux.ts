/**
 * Numbers of the Linux kernel's interface, see prctl(2), signal(7) and sigaction(2).
 */
export const PR_SET_PDEATHSIG = 1;
export const SIGKILL = 9;
/** sigaction(2). */
export type SignalAction = (signal: number, set: Uint8Array | null, old: Uint8Array | null) => void;
