import { execFile, spawn } from 'node:child_process'
import { appendFile, link, mkdir, mkdtemp, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readTrace } from '../../report/read-trace.ts'
import { type Summary, summarize } from '../../report/summary.ts'
import { LogFiles } from '../log-files.ts'

const run = promisify(execFile)
const BIN = new URL('../../bin.ts', import.meta.url).pathname

let folder: string
let files: LogFiles | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-sources-'))
})
afterEach(async () => {
  await files?.end()
  files = undefined
  await rm(folder, { recursive: true })
})

function lines(count: number, trace = 'a'): string {
  const line = {
    timestamp: '2026-11-28T14:00:00.000Z',
    event: 'http.request',
    status_code: 200,
    latency_ms: 1,
    trace_id: trace,
  }
  return `${JSON.stringify(line)}\n`.repeat(count)
}

/** Distinct lines, so that files differ in their first bytes. */
function named(name: string, count: number): string {
  return Array.from({ length: count }, (_, at) => lines(1, `${name}-${at}`)).join('')
}

const at = (name: string): string => join(folder, name)
const open = (...paths: readonly string[]): LogFiles => {
  files = new LogFiles(paths)
  return files
}
const summary = (all: LogFiles): Summary => summarize(all)

describe('one file under several names', () => {
  it('is read once through a dot, a symbolic link and a hard link', async () => {
    await writeFile(at('ok.log'), lines(3))
    await symlink(at('ok.log'), at('link.log'))
    await link(at('ok.log'), at('hard.log'))
    const all = open(at('ok.log'), `${folder}/./ok.log`, at('link.log'), at('hard.log'))
    await all.readAll()
    expect(summary(all)).toMatchObject({ requests: 3, lines: { read: 3 } })
    expect(summary(all).files.map(({ path }) => path)).toEqual([at('ok.log')])
    await appendFile(at('ok.log'), lines(2))
    await all.poll()
    expect(summary(all).requests).toBe(5)
  })

  it('follows a link to its new target', async () => {
    await writeFile(at('1.log'), named('one', 3))
    await symlink(at('1.log'), at('current.log'))
    const all = open(at('1.log'), at('current.log'))
    await all.poll()
    await writeFile(at('2.log'), named('two', 4))
    await unlink(at('current.log'))
    await symlink(at('2.log'), at('current.log'))
    await all.poll()
    expect(summary(all).requests).toBe(7)
  })

  it.each([1, -1])(
    'is counted once through a rename chain, in whatever order the names are polled (%i)',
    async (order) => {
      const names = Array.from({ length: 8 }, (_, number) => (number === 0 ? 'a.log' : `a.log.${number}`))
      const all = open(...names.map(at).sort((a, b) => order * a.localeCompare(b)))
      let written = 0
      for (let round = 0; round < 30; round += 1) {
        await appendFile(at('a.log'), named(`r${round}`, 2))
        written += 2
        if (round % 3 !== 2) await all.poll()
        await appendFile(at('a.log'), named(`s${round}`, 1))
        written += 1
        await all.poll()
        for (let number = names.length - 2; number >= 0; number -= 1) {
          await rename(at(names[number] ?? ''), at(names[number + 1] ?? '')).catch(() => {})
        }
        if (round % 2 === 0) await all.poll()
      }
      await all.poll()
      expect(summary(all).requests).toBe(written)
    },
  )

  it('counts a file again that got the inode of a deleted one', async () => {
    const all = open(at('a.log'))
    let written = 0
    for (let round = 0; round < 20; round += 1) {
      await writeFile(at('a.log'), named(`round${round}`, 3))
      written += 3
      await all.poll()
      await unlink(at('a.log'))
      await all.poll()
    }
    expect(summary(all).requests).toBe(written)
  })
})

describe('files that vanish or change', () => {
  it('reports a deleted file as missing, and reads it when it returns', async () => {
    await writeFile(at('a.log'), named('one', 2))
    const all = open(at('a.log'))
    await all.poll()
    await unlink(at('a.log'))
    await all.poll()
    expect(summary(all).files[0]?.state).toBe('waiting')
    await writeFile(at('a.log'), named('two', 2))
    await all.poll()
    expect(summary(all)).toMatchObject({ requests: 4, files: [{ state: 'reading' }] })
  })

  it('reads what follows a hole that a writer left after a truncation', async () => {
    await writeFile(at('a.log'), named('one', 10))
    const all = open(at('a.log'))
    await all.poll()
    await truncate(at('a.log'), 0)
    await truncate(at('a.log'), 3_000_000)
    await appendFile(at('a.log'), named('two', 4))
    await all.poll()
    expect(summary(all)).toMatchObject({ requests: 14, lines: { malformed: 0 }, files: [{ restarts: 1 }] })
  })
})

describe('other sources', () => {
  it('reads gzip, whatever its name is, and finds traces in it', async () => {
    await writeFile(at('a.log.1.gz'), Buffer.concat([gzipSync(lines(1_000)), gzipSync(named('g', 5))]))
    await writeFile(at('plain-name'), gzipSync(lines(2)))
    await link(at('plain-name'), at('again'))
    const all = open(at('a.log.1.gz'), at('plain-name'), at('again'))
    await all.readAll()
    expect(summary(all).requests).toBe(1_007)
    expect((await readTrace(all, 'g-3')).lines).toHaveLength(1)
  })

  it('counts what can be read of a gzip file that was cut off, and says so', async () => {
    const whole = gzipSync(named('g', 3_000))
    await writeFile(at('a.gz'), whole.subarray(0, whole.length - 20))
    const all = open(at('a.gz'))
    await all.readAll()
    expect(summary(all).requests).toBeGreaterThan(1_000)
    expect(summary(all).files[0]?.hints.join()).toContain('could not be read to its end')
  })

  it('reads a directory and a pattern, and the files that appear later', async () => {
    await mkdir(at('logs/deep'), { recursive: true })
    await writeFile(at('logs/a.log'), lines(1))
    await writeFile(at('logs/deep/b.jsonl'), lines(2))
    await writeFile(at('logs/.hidden'), lines(4))
    const all = open(at('logs'), `${folder}/logs/**/*.{jsonl,log}`, at('later'))
    await all.poll()
    expect(summary(all).requests).toBe(3)
    await rename(at('logs/a.log'), at('logs/a.log.1'))
    await writeFile(at('logs/a.log'), named('new', 8))
    await writeFile(at('logs/a.log.2.gz'), gzipSync(lines(16)))
    await mkdir(at('later'))
    await writeFile(at('later/c.log'), lines(32))
    all.search()
    await all.poll()
    expect(summary(all).requests).toBe(43)
    expect(summary(all).files.map(({ path }) => path)).not.toContain(at('later'))
  })

  it('reads a named pipe whose writers come and go', async () => {
    await run('mkfifo', [at('pipe')])
    const all = open(at('pipe'))
    await all.poll()
    expect(summary(all).files[0]?.state).toBe('waiting')
    for (let writer = 1; writer <= 2; writer += 1) {
      const writing = writeFile(at('pipe'), lines(2_000))
      while (summary(all).requests < writer * 2_000) await all.poll()
      await writing
    }
    while (summary(all).files[0]?.state !== 'read') await all.poll()
    expect(summary(all).requests).toBe(4_000)
  })

  it.each([
    ['a pipe', `cat FILE | NODE BIN --once --json -`],
    ['a redirection', 'NODE BIN --once --json - < FILE'],
    ['compressed bytes', 'gzip -c FILE | NODE BIN --once --json -'],
    ['a process substitution', 'NODE BIN --once --json <(cat FILE)'],
  ])('reads %s to its end', async (_, command) => {
    await writeFile(at('a.log'), lines(5_000))
    const node = `${process.execPath} --conditions=@escudo/source`
    const text = command.replace('FILE', at('a.log')).replace('NODE', node).replace('BIN', BIN)
    const { stdout } = await run('bash', ['-c', text])
    expect(JSON.parse(stdout)).toMatchObject({ requests: 5_000, files: [{ state: 'read' }] })
  })

  it('reads a standard input that is a socket, with an unfinished last line', async () => {
    const child = spawn(process.execPath, ['--conditions=@escudo/source', BIN, '--once', '--json', '-'])
    let out = ''
    child.stdout.on('data', (bytes) => {
      out += bytes
    })
    child.stdin.end(lines(3).trimEnd())
    await new Promise((resolve) => child.once('close', resolve))
    expect(JSON.parse(out)).toMatchObject({ requests: 3 })
  })
})
