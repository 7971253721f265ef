// The pages about who was seen, who can't be reached and what was done for whom, in one piece.

export { default as Care } from "./Care.svelte";
export { default as Unreachable } from "./Unreachable.svelte";
export { default as Unseen } from "./Unseen.svelte";
