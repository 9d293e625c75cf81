import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { ROOT } from '../../tools/tidy/repository.ts'

/**
 * Bundles a module with the library's sources, for a program that reads no TypeScript.
 *
 * The folder is inside the repository, in `dist/`, so that packages resolve, and git and the linter ignore it. The
 * caller removes it.
 *
 * @returns the path of the folder; the module is `entry.mjs` in it
 */
export async function bundle(entry: string): Promise<string> {
  const parent = join(ROOT, 'dist')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'bundle-'))
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@escudo/source'] },
    build: {
      outDir: folder,
      target: 'esnext',
      minify: false,
      lib: { entry: join(ROOT, entry), formats: ['es'], fileName: () => 'entry.mjs' },
      rollupOptions: { external: /^node:/, output: { chunkFileNames: '[name].mjs' } },
    },
  })
  return folder
}
