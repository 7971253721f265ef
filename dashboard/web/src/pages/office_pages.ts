// The pages of the office, in one piece.

export { default as Regions } from "./Regions.svelte";
