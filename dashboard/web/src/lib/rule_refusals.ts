// Why the hub refuses a change, beside the parameter that it is about.

import { ApiError } from "./api";
import { t } from "./i18n.svelte";
import { paramName } from "./rules";
import { problemText } from "./toasts.svelte";

export interface Refusal {
  /** The parameter, or "" when it is about the whole. */
  param: string;
  text: string;
}

const ABOVE = /must not be above (\w+)/;
const BETWEEN = /is not between ([-\d.]+) and ([-\d.]+)/;
const ELSEWHERE = /would not fit any more|does not fit the rest/;

export function refusalOf(error: unknown, kind: string): Refusal {
  if (!(error instanceof ApiError) || error.status !== 422) {
    return { param: "", text: problemText(error) };
  }
  const { detail } = error;
  const field = error.field?.match(/params\.(\w+)$/)?.[1] ?? "";
  if (ELSEWHERE.test(detail)) return { param: "", text: t("wrong.fits", { detail }) };
  const above = ABOVE.exec(detail)?.[1];
  if (above !== undefined) {
    return { param: field, text: t("wrong.order", { other: paramName(kind, above) }) };
  }
  const between = BETWEEN.exec(detail);
  if (between !== null) {
    const [, low = "", high = ""] = between;
    return { param: field, text: t("wrong.range", { low, high }) };
  }
  return { param: field, text: t("wrong.value", { detail }) };
}
