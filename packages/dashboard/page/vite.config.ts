import { defineConfig } from 'vite'

// One page, one script, one style sheet; the server sends them from memory.
export default defineConfig({
  // Relative: the page may be served below any path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    assetsInlineLimit: 0,
    assetsDir: '.',
    rolldownOptions: {
      output: { entryFileNames: 'page.js', chunkFileNames: 'page-[name].js', assetFileNames: 'page[extname]' },
    },
  },
})
