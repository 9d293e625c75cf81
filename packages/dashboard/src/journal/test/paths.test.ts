import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PackedWriter } from '../../counts/packed.ts'
import { filesJson } from '../../report/files-json.ts'
import { sourcesOf } from '../../report/sources.ts'
import { QUIET_POLLS_MAX } from '../../tail/file-tail.ts'
import { LogFiles } from '../log-files.ts'
import { expand } from '../paths.ts'

const BIN = new URL('../../bin.ts', import.meta.url).pathname
const LINE = '{"timestamp":"2026-11-28T14:00:00.000Z","event":"http.request","status_code":200,"latency_ms":1}\n'
/** A user without rights: root may read everything. */
const USER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-paths-'))
  await chmod(folder, 0o755)
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const at = (name: string): string => join(folder, name)
const tooLong = (): string => at('a'.repeat(300))

/** Runs the dashboard as a user who may not read everything. */
async function asUser(...args: readonly string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  const options = ['--conditions=@escudo/source', BIN, '--once', '--json', ...args]
  const child = spawn(process.execPath, options, { ...USER, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const [output, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  return { code, output }
}

describe('a path that cannot be looked at', () => {
  it('is a file that is waited for, not the end of the dashboard', async () => {
    await symlink(at('loop'), at('loop'))
    for (const path of [at('loop'), at('loop/x.log'), tooLong()])
      expect(expand(path)).toEqual({ paths: [path], grows: false, isCut: false })
  })

  it('is skipped in a directory and a pattern, also when it appears later', async () => {
    await writeFile(at('a.log'), LINE)
    const files = new LogFiles([folder, at('*.log')])
    await symlink(at('b.log'), at('b.log'))
    await symlink('gone', at('c.log'))
    files.search()
    await files.readAll()
    expect(files.all.map(({ tail }) => [tail.path, tail.state])).toEqual([[at('a.log'), 'reading']])
    await files.end()
  })

  it('is reported in one line if its folder may not be entered', { timeout: 20_000 }, async () => {
    await mkdir(at('closed'))
    await writeFile(at('closed/a.log'), LINE)
    await chmod(at('closed'), 0o700)
    if (process.getuid?.() !== 0) await chmod(at('closed'), 0)
    for (const path of ['closed/a.log', 'closed', '.', 'closed/*.log'])
      expect(await asUser(path)).toMatchObject({
        code: 2,
        output: expect.stringMatching(/^dashboard: cannot read .+\n$/),
      })
    await chmod(at('closed'), 0o755)
    expect(await asUser('closed')).toMatchObject({ code: 0, output: '' })
  })
})

describe('a folder with more files than are read', () => {
  const names = Array.from({ length: 2_003 }, (_, number) => `${String(number).padStart(4, '0')}.log`)
  beforeEach(async () => {
    for (const name of names) writeFileSync(at(name), LINE)
    // The names do not tell which are old.
    for (const name of ['0001.log', '1000.log', '2002.log']) await utimes(at(name), 1_000, 1_000)
  })

  it('is read from the files that changed last', () => {
    const old = new Set([at('0001.log'), at('1000.log'), at('2002.log')])
    const paths = names.map(at).filter((path) => !old.has(path))
    expect(expand(folder)).toEqual({ paths, grows: true, isCut: true })
    expect(expand(at('*.log'))).toEqual({ paths, grows: true, isCut: true })
  })

  it('is a source that says so, once', async () => {
    const files = new LogFiles([folder])
    files.search()
    const rows = filesJson(files, 0).filter(({ path }) => path === folder)
    expect(rows).toMatchObject([{ state: 'read', hints: [expect.stringContaining('too many files')] }])
    const [first] = sourcesOf(files, 0).files
    expect(first).toMatchObject({ path: folder, advice: [{ kind: 'crowded' }] })
    expect(files.state(new PackedWriter(), 1_000_000)).toBeDefined()
    await files.end()
  })
})

describe('a file that a directory lost', () => {
  it('is closed, keeps its counts, and is no trouble unless it was named', async () => {
    await writeFile(at('old.log'), LINE)
    await writeFile(at('named.log'), LINE.repeat(2))
    const files = new LogFiles([folder, at('named.log')])
    await files.poll()
    await rm(at('old.log'))
    await rm(at('named.log'))
    for (let poll = 0; poll <= QUIET_POLLS_MAX; poll += 1) await files.poll()
    expect(files.all.flatMap(({ log }) => log.openLogs)).toEqual([])
    expect(filesJson(files, 0)).toMatchObject([
      { path: at('named.log'), state: 'waiting', requests: 2 },
      { path: at('old.log'), state: 'waiting', requests: 1 },
    ])
    expect(sourcesOf(files, 0)).toMatchObject({ troubled: 1, files: [{ path: at('named.log') }, {}] })
    await files.end()
  })
})
