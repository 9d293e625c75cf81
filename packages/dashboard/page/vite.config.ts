import { defineConfig } from 'vite'

/** Parts of uPlot that the page does not use. Without these assignments, the bundle leaves them out. */
const UNUSED = ['uPlot.join = join', 'paths.stepped = stepped', 'paths.spline  = monotoneCubic']

/** Fails for another version of uPlot that has other parts. */
function withoutUnused(code: string, id: string): string | undefined {
  if (!id.endsWith('/uplot/dist/uPlot.esm.js')) return undefined
  return UNUSED.reduce((rest, part) => {
    if (!rest.includes(part)) throw new Error(`uPlot has no \`${part}\` to leave out`)
    return rest.replace(part, 'void 0')
  }, code)
}

/** Vite's helper would also load style sheets of later scripts. There is one style sheet, so an import is enough. */
function plainImports(id: string): string | undefined {
  return id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load()' : undefined
}

/** What is loaded later. Everything else is in one script, although these share some of it. */
const LATER = /[\\/]src[\\/](?:(?:levers|map|heat|engine)[\\/](?!loaded|path|map-section)|counts[\\/]latency-)/

// One page, one style sheet, one script, and one more for each view that most readers do not need; the server sends them
// from memory.
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
      output: {
        entryFileNames: 'page.js',
        chunkFileNames: 'page-[name].js',
        assetFileNames: 'page[extname]',
        codeSplitting: { groups: [{ name: 'main', test: (id) => !LATER.test(id) }] },
      },
    },
  },
  plugins: [
    { name: 'unused-parts-of-uplot', transform: withoutUnused },
    { name: 'plain-imports', enforce: 'pre', load: plainImports },
  ],
})
