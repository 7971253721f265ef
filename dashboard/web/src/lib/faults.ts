// What is wrong with a form, said to who sees it and to who doesn't.

import { tick } from "svelte";
import type { Attachment } from "svelte/attachments";

export interface Fault {
  /** Empty: of no field in particular. */
  field: string;
  text: string;
}

export const NO_FAULT: Fault = { field: "\u0000", text: "" };

/** Where the words of a field's fault stand; `form` is a name that no other form of the page has. */
export function faultId(form: string, field: string): string {
  return `${form}-fault-${field}`;
}

/** What a control says of its own fault; `about`: what describes it anyway. */
export function marks(
  form: string,
  faults: Fault | readonly Fault[],
  field: string,
  about?: string,
): { "aria-invalid": boolean; "aria-describedby": string | undefined } {
  const all: readonly Fault[] = "field" in faults ? [faults] : faults;
  const wrong = all.some((one) => one.field === field && one.text !== "");
  const described = [wrong ? faultId(form, field) : "", about ?? ""].filter((one) => one !== "");
  return { "aria-invalid": wrong, "aria-describedby": described.join(" ") || undefined };
}

/** Leads to the first field that was refused: it may be far above the button, out of sight. */
export function leadsToFault(faults: () => unknown): Attachment<HTMLFormElement> {
  return (form) => {
    faults();
    void tick().then(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
}
