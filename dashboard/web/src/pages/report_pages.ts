// The pages of reports and assessment, in one piece of their own.

export { default as Reports } from "./Reports.svelte";
export { default as Assessment } from "./Assessment.svelte";
