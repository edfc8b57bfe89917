import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses, so that the page may be served under any path.
  base: './',
  build: {
    target: 'es2023',
    emptyOutDir: true,
    // The server's content security policy allows no inline code or data.
    assetsInlineLimit: 0,
    // The schemas of shared/signalling.ts are the server's business: without this mark typebox would come along.
    rolldownOptions: { treeshake: { manualPureFunctions: ['Type'] } },
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
});
