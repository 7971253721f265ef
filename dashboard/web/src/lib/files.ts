// Documents that the hub makes: asked for, saved under the name that the hub gives.

import { ApiError, PREFIX, problemOf, shownAgain } from "./api";

// A whole file of ten years is made in seconds, on a small machine in many.
const TIMEOUT_MS = 90_000;

/** Saves the document of this path of the interface; an answer that is none is an `ApiError`. By
 * POST what can be fetched once. */
export async function saveFile(path: string, method: "GET" | "POST" = "GET"): Promise<void> {
  let response: Response;
  try {
    response = await fetch(`${PREFIX}/${path}`, {
      method,
      ...(method === "POST"
        ? { headers: { "X-Requested-With": "hearthwatch", "Content-Type": "application/json" }, body: "{}" }
        : {}),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
  } catch {
    throw new ApiError(0, "offline", "");
  }
  if (!response.ok) {
    const error = await problemOf(response);
    if (await shownAgain(error)) return saveFile(path, method);
    throw error;
  }
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = nameOf(response.headers.get("Content-Disposition") ?? "");
  link.click();
  // The browser has taken the document over once the click was handled.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}

/** The Chinese name of RFC 5987, which every answer with a document has. */
export function nameOf(disposition: string): string {
  const found = /filename\*=UTF-8''([^;]+)/.exec(disposition);
  try {
    return decodeURIComponent(found?.[1] ?? "hearthwatch");
  } catch {
    return "hearthwatch";
  }
}
