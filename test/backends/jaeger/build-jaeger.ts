import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const VERSION = 'v1.76.0'
const PACKAGE = 'github.com/jaegertracing/jaeger/cmd/jaeger'
/** It took nine minutes on two busy cores. */
export const BUILD_MS_MAX = 1_800_000

/**
 * Finds the program of Jaeger, or builds it with Go from the Go module proxy. It is kept outside the repository.
 *
 * `go install` refuses it, because its module replaces others. As a tool of an empty module it can be built.
 *
 * @throws Error if Go is missing or the build fails
 */
export async function jaegerProgram(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'escudo-backends')
  const program = join(cache, `jaeger-${VERSION}`)
  const exists = await access(program).then(
    () => true,
    () => false,
  )
  if (exists) return program
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'build-'))
  const go = (...args: string[]) =>
    promisify(execFile)('nice', ['go', ...args], { cwd: folder, timeout: BUILD_MS_MAX, maxBuffer: 2 ** 26 })
  try {
    console.log(`building Jaeger ${VERSION} with Go, once; this takes some ten minutes`)
    await go('mod', 'init', 'build')
    await go('get', '-tool', `${PACKAGE}@${VERSION}`)
    await go('build', '-o', 'jaeger', PACKAGE)
    // Moved, so that no other test finds a part of it.
    await rename(join(folder, 'jaeger'), program)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return program
}
