// Addresses behind the hash: the page works from any path and needs nothing of the server.
const state = $state({ path: read() });

function read(): string {
  return location.hash.replace(/^#/, "") || "/";
}

addEventListener("hashchange", () => {
  state.path = read();
  scrollTo(0, 0);
});

export const path = (): string => state.path;
export const go = (to: string): void => {
  location.hash = to;
};
