import { readdirSync } from "node:fs";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The unit tests as plain modules for `node --test`: no test framework in the lock file.
export default defineConfig({
  plugins: [svelte()],
  build: {
    ssr: true,
    outDir: "dist",
    emptyOutDir: true,
    rollupOptions: {
      input: readdirSync("unit").map((name) => `unit/${name}`),
      output: { entryFileNames: "[name].mjs" },
    },
  },
});
