import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

/** The names of all that is built, for the service worker that keeps it. */
function assetList(): Plugin {
  return {
    name: "asset-list",
    generateBundle(_options, bundle) {
      const paths = Object.keys(bundle).filter((name) => name.startsWith("assets/"));
      const source = JSON.stringify([...paths.sort().map((name) => `/${name}`), "/icon.svg"]);
      this.emitFile({ type: "asset", fileName: "assets.json", source });
    },
  };
}

// One page: no inline script or style (strict CSP), nothing from another host. The hub's own
// build step moves `dist` to dashboard/static when it is complete.
export default defineConfig({
  plugins: [svelte(), assetList()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
