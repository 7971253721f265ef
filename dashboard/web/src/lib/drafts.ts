// Visits on this telephone: half filled, waiting to be sent, with their photos. In IndexedDB, so that
// closing the page, or the telephone, loses nothing.

import type { FieldError } from "./api";
import type { Strokes } from "./strokes";
import type { Answers } from "./visit_form";

export interface LastVisit {
  id: string;
  number: number;
  way: string;
  met: boolean;
  visited_at: string;
  needs: string;
  suggestions: string;
}

export interface VisitPerson {
  id: string;
  name: string;
  home: string;
  address: string;
  region_path: string[];
  last: LastVisit | null;
  /** What was said to photographs; older drafts don't know. */
  photo?: string;
}

export type DraftState = "draft" | "queued" | "refused";
export type SignatureKind = "signature_person" | "signature_visitor";

export interface Draft {
  /** Made when the draft begins: however often it is sent, it is one visit. */
  key: string;
  user: string;
  person: VisitPerson;
  task: string | null;
  alarm: string | null;
  /** Drafts that were begun before it was asked have none. */
  alarm_kind?: string | null;
  way: string;
  /** By this telephone's own clock. */
  visited_ms: number;
  record: Answers;
  signatures: Partial<Record<SignatureKind, Strokes>>;
  state: DraftState;
  changed_ms: number;
  /** Frozen when it is sent for the first time: sent again it is the same to the byte. */
  body: Record<string, unknown> | null;
  /** What the hub calls it, once it has it. */
  visit: string | null;
  refused: { code: string; field: string | null; errors: FieldError[] } | null;
}

export interface DraftFile {
  id: string;
  draft: string;
  blob: Blob;
  refused: string | null;
}

const NAME = "hearthwatch.visits";
const VERSION = 1;

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("drafts", { keyPath: "key" });
      asked.result.createObjectStore("files", { keyPath: "id" }).createIndex("draft", "draft");
      asked.result.createObjectStore("kept", { keyPath: "user" });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("IndexedDB"));
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** Resolves when it is on the disk. */
async function change(stores: string[], act: (at: IDBTransaction) => void): Promise<void> {
  const database = await open();
  await new Promise<void>((resolve, reject) => {
    const transaction = database.transaction(stores, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB"));
    act(transaction);
  });
}

async function read<T>(store: string, ask: (at: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  return new Promise<T>((resolve, reject) => {
    const asked = ask(database.transaction(store).objectStore(store));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("IndexedDB"));
  });
}

export const drafts = {
  async of(user: string): Promise<Draft[]> {
    const all = await read<Draft[]>("drafts", (store) => store.getAll());
    return all.filter((one) => one.user === user).sort((a, b) => a.visited_ms - b.visited_ms);
  },
  find: (key: string) => read<Draft | undefined>("drafts", (store) => store.get(key)),
  put: (draft: Draft) => change(["drafts"], (at) => at.objectStore("drafts").put(draft)),
  files: (key: string) =>
    read<DraftFile[]>("files", (store) => store.index("draft").getAll(key)),
  putFile: (file: DraftFile) => change(["files"], (at) => at.objectStore("files").put(file)),
  dropFile: (id: string) => change(["files"], (at) => at.objectStore("files").delete(id)),
  /** Only what the hub has, or what its writer throws away. */
  async drop(key: string): Promise<void> {
    const files = await drafts.files(key);
    await change(["drafts", "files"], (at) => {
      at.objectStore("drafts").delete(key);
      for (const file of files) at.objectStore("files").delete(file.id);
    });
  },
  async people(user: string): Promise<VisitPerson[]> {
    const kept = await read<{ people: VisitPerson[] } | undefined>("kept", (s) => s.get(user));
    return kept?.people ?? [];
  },
  keepPeople: (user: string, people: VisitPerson[]) =>
    change(["kept"], (at) => at.objectStore("kept").put({ user, people })),
  /** Somebody else may take the telephone: names go, what was not sent stays. */
  forgetPeople: () => change(["kept"], (at) => at.objectStore("kept").clear()),
};
