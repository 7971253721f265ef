// Server-sent events as text → events. EventSource hides comments, and with them the proof that a
// quiet line is alive; so the page reads the stream itself.

export interface ServerEvent {
  type: string;
  data: string;
}

// One event of the hub is some kilobytes; a line beyond this is not its stream.
const LINE_LENGTH_MAX = 4_000_000;

/** Feed it pieces of text as they come; `lastId` is what to resume with. */
export class EventParser {
  lastId = "";
  #rest = "";
  #type = "";
  #data: string[] = [];

  feed(text: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LINE_LENGTH_MAX) throw new Error("a line without end");
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.#data.length > 0) {
          found.push({ type: this.#type || "message", data: this.#data.join("\n") });
        }
        this.#type = "";
        this.#data = [];
      } else {
        this.#field(line);
      }
    }
    return found;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "event") this.#type = value;
    else if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.lastId = value;
  }
}
