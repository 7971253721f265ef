// The pages of the plan of visits, in one piece of their own.

export { default as Plan } from "./Plan.svelte";
