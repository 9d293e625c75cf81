// `npm run build`: builds the published packages into their folders `dist`, as `npm pack` publishes them.
import { join } from 'node:path'
import { buildDashboard } from './build/dashboard.ts'
import { buildLibrary } from './build/library.ts'
import { buildProgram } from './build/program.ts'
import { ROOT } from './tidy/repository.ts'

try {
  const { entries, chunks, bytes } = await buildLibrary(join(ROOT, 'packages/escudo'))
  buildProgram(join(ROOT, 'packages/cli'))
  await buildDashboard(join(ROOT, 'packages/dashboard'))
  console.log(`${entries.length} subpaths and ${chunks.length} shared chunks, ${Math.round(bytes / 1_000)} kB`)
} catch (error) {
  console.error((error as Error).message.trimEnd())
  process.exitCode = 1
}
