// The one way to the hub: JSON, problem documents as errors, the session in a cookie.
export class Problem extends Error {
  constructor(readonly status: number, readonly code: string, detail: string) {
    super(detail);
  }
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-Requested-With": "hearthwatch" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    headers["Idempotency-Key"] = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  }
  let answer: Response;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method, headers, credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, "unreachable", "");
  }
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { type?: string; detail?: string };
    throw new Problem(answer.status, problem.type ?? "error", problem.detail ?? answer.statusText);
  }
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const get = <T>(path: string): Promise<T> => ask<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}): Promise<T> => ask<T>("POST", path, body);
export const patch = <T>(path: string, body: unknown): Promise<T> => ask<T>("PATCH", path, body);
