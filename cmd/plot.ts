/**
 * `luciole plot PROGRAM`: draws the plan of a flow without running anything.
 */
