// The pages about signing in, in one piece of their own.

export { default as FactorFirst } from "./FactorFirst.svelte";
export { default as StepUp } from "../parts/security/StepUp.svelte";
export { default as Security } from "./Security.svelte";
