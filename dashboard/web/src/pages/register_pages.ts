// The pages of the register, in one piece of their own.

export { default as Erasures } from "./Erasures.svelte";
export { default as PersonImport } from "./PersonImport.svelte";
export { default as Persons } from "./Persons.svelte";
