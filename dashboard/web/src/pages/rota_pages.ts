// The pages of the rota, in one piece of their own.

export { default as Handover } from "./Handover.svelte";
export { default as Handovers } from "./Handovers.svelte";
export { default as Rota } from "./Rota.svelte";
