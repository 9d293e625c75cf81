import { spawn } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Backend } from './backends.ts'

/** Where built programs are kept: outside the repository, so that a fresh clone finds them. */
function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'escudo-backends')
}

const PROGRESS_MS = 10_000

/**
 * Finds the program of a backend, or builds it with Go from the Go module proxy.
 *
 * Without Go it warns in one line, and the caller skips its test.
 *
 * @returns the path of the program; undefined when the test must be skipped
 * @throws Error with `CI=true` when Go exists but the build fails or takes too long, because CI must not skip the test
 */
export async function goProgram(backend: Backend): Promise<string | undefined> {
  const program = join(cacheFolder(), `${backend.name}-${backend.version}`)
  if (await isProgram(program)) return program
  const go = await onPath('go')
  if (go === undefined) {
    console.warn(`skipped: ${backend.name} needs Go to be built; install it from https://go.dev/dl/`)
    return undefined
  }
  try {
    await build(go, backend, program)
    return program
  } catch (error) {
    const line = `${backend.name} could not be built: ${(error as Error).message}`
    if (process.env['CI'] === 'true') throw new Error(line, { cause: error })
    console.warn(`skipped: ${line}`)
    return undefined
  }
}

async function build(go: string, backend: Backend, program: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  // Built aside and moved, so that no other test finds a part of it.
  const folder = await mkdtemp(join(cacheFolder(), 'build-'))
  const startedMs = performance.now()
  const seconds = (): number => Math.round((performance.now() - startedMs) / 1_000)
  console.log(`building ${backend.name} ${backend.version} with Go, once; this takes minutes`)
  const timer = setInterval(() => console.log(`building ${backend.name}: ${seconds()} s`), PROGRESS_MS)
  try {
    const endsMs = startedMs + backend.buildMsMax
    for (const args of commandsOf(backend)) await run(go, args, folder, endsMs)
    await rename(join(folder, backend.name), program)
    console.log(`built ${backend.name} in ${seconds()} s: ${program}`)
  } finally {
    clearInterval(timer)
    await rm(folder, { recursive: true, force: true })
  }
}

/** The commands of Go that put the program into the current folder. */
function commandsOf({ name, package: path, version, buildAs }: Backend): readonly (readonly string[])[] {
  if (buildAs === 'program') return [['install', `${path}@${version}`]]
  return [
    ['mod', 'init', 'build'],
    ['get', '-tool', `${path}@${version}`],
    ['build', '-o', name, path],
  ]
}

async function run(go: string, args: readonly string[], folder: string, endsMs: number): Promise<void> {
  // A separate process group, because Go starts compilers that must end with it. `nice`, so that tests go on.
  const child = spawn('nice', [go, ...args], {
    env: { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' },
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid)
  }
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk).slice(-4_000)
  })
  let isTooLate = false
  const timer = setTimeout(() => {
    isTooLate = true
    end()
  }, endsMs - performance.now())
  process.once('exit', end)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (isTooLate) throw new Error(`go ${args[0]} took too long`)
    if (code !== 0) throw new Error(`go ${args[0]} failed: ${errors.trim().split('\n').slice(-3).join(' | ')}`)
  } finally {
    clearTimeout(timer)
    process.off('exit', end)
  }
}

async function isProgram(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && (await isProgram(join(folder, program)))) return join(folder, program)
  }
  return undefined
}
