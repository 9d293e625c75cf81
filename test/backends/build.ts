// Builds the named backends before the tests, because a compiler would slow down tests that measure time.
import { backends } from './helpers/backends.ts'
import { goProgram } from './helpers/go-build.ts'

for (const name of process.argv.slice(2)) {
  const backend = backends[name]
  if (backend === undefined) throw new Error(`unknown backend '${name}'; known: ${Object.keys(backends).join(', ')}`)
  // The test of the backend tells if that failed.
  await goProgram(backend).catch((error: Error) => console.error(error.message))
}
