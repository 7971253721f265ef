// The pages of visits, in one piece of their own.

export { default as Visit } from "./Visit.svelte";
export { default as VisitForm } from "./VisitForm.svelte";
export { default as Visits } from "./Visits.svelte";
