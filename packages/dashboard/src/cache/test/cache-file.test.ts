import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CacheFile } from '../cache-file.ts'
import { cacheFolder } from '../cache-folder.ts'
import { numbered, numberIn } from './numbered.ts'

const WRITER = new URL('./writer.ts', import.meta.url).pathname

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-cache-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('holds a whole state whenever its writer is killed', { timeout: 60_000 }, async () => {
  const file = new CacheFile(folder, 'key')
  let numbers = 0
  for (let kill = 0; kill < 8; kill += 1) {
    const child = spawn(process.execPath, ['--conditions=@escudo/source', WRITER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    // Each time at another moment of the writing.
    await delay(20 + kill * 7)
    child.kill('SIGKILL')
    await once(child, 'close')
    numbers += (await numberIn(file)) ?? 0
  }
  expect(numbers).toBeGreaterThan(0)
})

it('removes what killed writers left behind, and the oldest states', async () => {
  const old = new Date(Date.now() - 3_600_000)
  const left = join(folder, `${'a'.repeat(32)}.state.${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`)
  for (const path of [left, ...Array.from({ length: 25 }, (_, number) => join(folder, `${number}.state`))]) {
    await writeFile(path, 'x')
    await utimes(path, old, old)
  }
  await writeFile(join(folder, 'of-another-program'), 'x')
  const file = new CacheFile(folder, 'key')
  await file.write(numbered(1))
  const names = await readdir(folder)
  expect(names.filter((name) => name.endsWith('.state')).length).toBe(20)
  expect(names.length).toBe(21)
  expect(await numberIn(file)).toBe(1)
})

it('can be read only by its user', async () => {
  const file = new CacheFile(join(folder, 'below'), 'key')
  await file.write(numbered(1))
  expect((await stat(file.path)).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'below'))).mode & 0o777).toBe(0o700)
})

it.each([
  [{ XDG_CACHE_HOME: '/cache', HOME: '/h/ana' }, 'linux', '/cache/escudo-dashboard'],
  [{ XDG_CACHE_HOME: 'relative', HOME: '/h/ana' }, 'linux', '/h/ana/.cache/escudo-dashboard'],
  [{ HOME: '/u/ana' }, 'darwin', '/u/ana/Library/Caches/escudo-dashboard'],
])('is in the cache folder of the user: %j on %s', (env, platform, wanted) => {
  expect(cacheFolder(env, platform)).toBe(wanted)
})

it.skipIf(process.platform !== 'linux')('fails where no folder can be made, and does not try without end', async () => {
  const file = new CacheFile('/proc/nowhere/below', 'key')
  expect(() => file.writeNow([])).toThrow('ENOENT')
  await expect(file.write([])).rejects.toThrow('ENOENT')
})
