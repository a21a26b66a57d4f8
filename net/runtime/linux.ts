/**
 * Numbers of the Linux kernel's interface, see prctl(2) and signal(7).
 */
export const PR_SET_PDEATHSIG = 1;
export const SIGKILL = 9;
