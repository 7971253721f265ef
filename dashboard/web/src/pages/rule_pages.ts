// The pages about rules, in one piece of their own.

export { default as Rule } from "./Rule.svelte";
export { default as Rules } from "./Rules.svelte";
export { default as Tries } from "./Tries.svelte";
export { default as Try } from "./Try.svelte";
