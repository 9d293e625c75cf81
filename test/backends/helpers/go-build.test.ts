import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Backend } from './backends.ts'
import { goProgram } from './go-build.ts'

// PATH is one temporary folder of fake programs, so the programs of the machine do not matter.

const backend: Backend = {
  name: 'engine',
  package: 'example.com/engine',
  version: 'v1.2.3',
  buildAs: 'program',
  buildMsMax: 10_000,
  args: () => [],
  readyPath: '/',
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-go-'))
  vi.stubEnv('PATH', folder)
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
  vi.stubEnv('CI', 'true')
  vi.spyOn(console, 'log').mockImplementation(() => {})
  await put('nice', 'exec "$@"')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

async function put(name: string, script: string): Promise<void> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`)
  await chmod(path, 0o755)
}
const cache = (): string => join(folder, 'cache', 'escudo-backends')

test('builds a version once and keeps it outside the repository', async () => {
  await put('go', `echo "$*" >> ${folder}/calls; touch "$GOBIN/engine"; chmod 755 "$GOBIN/engine"`)
  const program = join(cache(), 'engine-v1.2.3')
  expect(await goProgram(backend)).toBe(program)
  expect(await goProgram(backend)).toBe(program)
  expect(await readFile(join(folder, 'calls'), 'utf8')).toBe('install example.com/engine@v1.2.3\n')
  expect(await readdir(cache())).toEqual(['engine-v1.2.3'])
})

test('builds a module that replaces others as a tool of an empty module', async () => {
  await put('go', `echo "$*" >> ${folder}/calls; [ "$1" != build ] || { touch "$3"; chmod 755 "$3"; }`)
  expect(await goProgram({ ...backend, buildAs: 'tool' })).toBe(join(cache(), 'engine-v1.2.3'))
  const calls = ['mod init build', 'get -tool example.com/engine@v1.2.3', 'build -o engine example.com/engine', '']
  expect(await readFile(join(folder, 'calls'), 'utf8')).toBe(calls.join('\n'))
})

test('without Go, skips with one line, also in CI', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  expect(await goProgram(backend)).toBeUndefined()
  expect(warn.mock.calls).toEqual([['skipped: engine needs Go to be built; install it from https://go.dev/dl/']])
})

test('in CI, fails with the last lines of Go if the build fails; elsewhere skips with them', async () => {
  await put('go', 'echo "dial tcp: lookup proxy.golang.org: no such host" >&2; exit 1')
  const message = 'engine could not be built: go install failed: dial tcp: lookup proxy.golang.org: no such host'
  await expect(goProgram(backend)).rejects.toThrow(message)
  vi.stubEnv('CI', '')
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  expect(await goProgram(backend)).toBeUndefined()
  expect(warn.mock.calls).toEqual([[`skipped: ${message}`]])
  expect(await readdir(cache())).toEqual([])
})

test('ends a build that takes too long, with its children', async () => {
  await put('go', `(while :; do echo tick >> ${folder}/ticks; sleep 0.02; done) & wait`)
  await expect(goProgram({ ...backend, buildMsMax: 500 })).rejects.toThrow('go install took too long')
  const ticks = (): Promise<string> => readFile(join(folder, 'ticks'), 'utf8')
  // The signal reaches the child a moment later.
  await vi.waitFor(async () => {
    const before = await ticks()
    await delay(100)
    expect(await ticks()).toBe(before)
  })
  expect(await ticks()).not.toBe('')
})

test('a program that another test has built meanwhile is used', async () => {
  await mkdir(cache(), { recursive: true })
  await writeFile(join(cache(), 'engine-v1.2.3'), '')
  await chmod(join(cache(), 'engine-v1.2.3'), 0o755)
  expect(await goProgram(backend)).toBe(join(cache(), 'engine-v1.2.3'))
})
