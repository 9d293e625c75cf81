import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compile } from '../../tools/build/compile.ts'
import { buildDashboard } from '../../tools/build/dashboard.ts'

/** The program as a source: Node needs more time to load it than the built one. */
export const SOURCE = 'packages/dashboard/src/bin.ts'

/** Builds the dashboard as it is packed. Returns the path of its program. */
export async function builtProgram(folder: string): Promise<string> {
  const outDir = join(folder, 'package', 'dist')
  await buildDashboard(join(process.cwd(), 'packages', 'dashboard'), outDir)
  return join(outDir, 'bin.js')
}

/**
 * Compiles the script that reads a log, with the sources that it imports. Returns its path.
 *
 * Node needs 25 MB in each thread, and processor time, to run sources. Users run compiled scripts.
 */
export async function builtIngest(folder: string): Promise<string> {
  const root = process.cwd()
  const outDir = join(folder, 'ingest')
  await mkdir(outDir)
  // Scripts of the folder are modules, as they are in the package.
  await writeFile(join(outDir, 'package.json'), '{ "type": "module" }')
  const config = join(outDir, 'tsconfig.json')
  const options = { noEmit: false, rootDir: root, outDir, declaration: false, removeComments: true }
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, 'packages/dashboard/tsconfig.json'),
      compilerOptions: { ...options, typeRoots: [join(root, 'node_modules/@types')] },
      include: [],
      files: ['bench/dashboard/ingest.ts', 'packages/dashboard/src/lines/scan/scan-worker.ts'].map((path) =>
        join(root, path),
      ),
    }),
  )
  compile('-p', config)
  return join(outDir, 'bench/dashboard/ingest.js')
}
