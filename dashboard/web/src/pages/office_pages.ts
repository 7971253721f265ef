// The pages of the office, in one piece.

export { default as Audit } from "./Audit.svelte";
export { default as Departments } from "./Departments.svelte";
export { default as Openings } from "./Openings.svelte";
export { default as Regions } from "./Regions.svelte";
export { default as Users } from "./Users.svelte";
