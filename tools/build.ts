// `npm run build`: builds the library into packages/escudo/dist, as `npm pack` publishes it.
import { join } from 'node:path'
import { buildLibrary } from './build/library.ts'
import { ROOT } from './tidy/repository.ts'

try {
  const { entries, chunks, bytes } = await buildLibrary(join(ROOT, 'packages/escudo'))
  console.log(`${entries.length} subpaths and ${chunks.length} shared chunks, ${Math.round(bytes / 1_000)} kB`)
} catch (error) {
  console.error((error as Error).message.trimEnd())
  process.exitCode = 1
}
