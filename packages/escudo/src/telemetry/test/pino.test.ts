import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import { LineFile } from '../line-file.ts'
import { createLogger, lineFormat } from '../pino.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'escudo-pino-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function captured(settings: Partial<Parameters<typeof createLogger>[0]> = {}): {
  log: pino.Logger
  texts: string[]
  lines: () => Record<string, unknown>[]
} {
  const texts: string[] = []
  const sink = { write: (line: string) => texts.push(line) }
  const log = createLogger({ service: 'potion-shop', stdout: false, sink, ...settings })
  return { log, texts, lines: () => texts.map((text) => JSON.parse(text)) }
}

describe('a line', () => {
  test('has the canonical field names and levels, an ISO time in UTC, and the service', () => {
    const { log, lines, texts } = captured({ level: 'debug' })
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const)
      log[level]({ user_id: 'bob' }, 'user_lookup_started')
    expect(lines().map(({ log_level }) => log_level)).toEqual(['debug', 'info', 'warning', 'error', 'critical'])
    expect(lines()[0]).toEqual({
      log_level: 'debug',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'potion-shop',
      user_id: 'bob',
      event: 'user_lookup_started',
    })
    for (const text of texts) expect(text.match(/\n/g)).toHaveLength(1)
  })

  test('carries the trace and bindings of its request, also from a child logger', () => {
    const { log, lines } = captured()
    const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, bindings: { tenant: 't1' } }
    withAmbient(context, () => {
      log.info('one')
      log.child({ part: 'cart' }).info('two')
    })
    log.info('outside')
    const trace = { trace_id: context.traceId, span_id: context.spanId, tenant: 't1' }
    expect(lines()).toMatchObject([
      { ...trace, event: 'one' },
      { ...trace, part: 'cart', event: 'two' },
      { event: 'outside' },
    ])
    expect(lines()[2]).not.toHaveProperty('trace_id')
  })

  test('redacts secrets at any depth, and the paths that the user adds', () => {
    const { log, texts, lines } = captured({ redact: ['card.number'] })
    const secrets = {
      authorization: 's3cret',
      cookie: 's3cret',
      password: 's3cret',
      token: 's3cret',
      'set-cookie': 's3cret',
    }
    log.info(
      {
        ...secrets,
        headers: { ...secrets },
        req: { headers: { ...secrets } },
        card: { number: 's3cret' },
        user: 'bob',
      },
      'login',
    )
    expect(texts.join('')).not.toContain('s3cret')
    expect(lines()[0]).toMatchObject({ password: '[redacted]', headers: { authorization: '[redacted]' }, user: 'bob' })
  })

  test('escapes terminal codes and newlines, so that a value cannot forge a second line', () => {
    const { log, texts, lines } = captured()
    log.info({ name: '\u001b[31mred\n{"log_level":"info"}' }, 'a\r\nb')
    expect(texts).toHaveLength(1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test proves that there are none
    expect(texts[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f]/)
    expect(lines()[0]).toMatchObject({ event: 'a\r\nb' })
  })

  test('is written only from the configured level on, given in the names of the log', () => {
    const { log, texts } = captured({ level: 'warning' })
    log.info('no')
    log.warn('yes')
    expect(texts).toHaveLength(1)
  })

  test('has the same form from a custom pino logger', () => {
    const texts: string[] = []
    pino({ ...lineFormat('mine'), level: 'info' }, { write: (line) => texts.push(line) }).warn('careful')
    expect(JSON.parse(texts[0] ?? '')).toMatchObject({ log_level: 'warning', service: 'mine', event: 'careful' })
  })

  test.each([
    ['a getter that throws', Object.defineProperty({}, 'x', { enumerable: true, get: throwTrap })],
    ['a proxy that throws', new Proxy({}, { get: throwTrap, ownKeys: throwTrap, getPrototypeOf: throwTrap })],
    ['a toJSON that throws', { x: { toJSON: throwTrap } }],
    ['a cycle', cycle()],
    ['a bigint', { n: 5n }],
    ['a symbol', { s: Symbol('s') }],
    ['an error', new Error('boom')],
  ])('is written for %s, and logging it does not throw', (_, value) => {
    const { log, texts, lines } = captured()
    expect(() => log.info(value as object, 'odd')).not.toThrow()
    expect(texts).toHaveLength(1)
    expect(lines()[0]).toMatchObject({ log_level: 'info', service: 'potion-shop', event: 'odd' })
  })

  test('createLogger throws a TypeError without a service', () => {
    expect(() => createLogger({ service: '' })).toThrow(TypeError)
  })
})

describe('a file', () => {
  test('without an interval has each line at once, even if the process is killed right after', () => {
    const file = join(folder, 'deep', 'shop.jsonl')
    const script = `
      import { createLogger } from ${JSON.stringify(new URL('../pino.ts', import.meta.url).href)}
      const log = createLogger({ service: 's', stdout: false, file: ${JSON.stringify(file)}, flushInterval: 0 })
      for (let i = 0; i < 100; i += 1) log.info({ i }, 'tick')
      process.kill(process.pid, 'SIGKILL')`
    expect(() =>
      execFileSync(process.execPath, ['--conditions=@escudo/source', '--input-type=module', '-e', script], {
        stdio: 'ignore',
      }),
    ).toThrow()
    const lines = readFileSync(file, 'utf8').split('\n')
    expect(lines).toHaveLength(101)
    expect(JSON.parse(lines[99] ?? '')).toMatchObject({ i: 99 })
  })

  test('that cannot be opened makes createLogger throw', () => {
    appendFileSync(join(folder, 'plain'), '')
    expect(() => createLogger({ service: 's', stdout: false, file: join(folder, 'plain', 'x.jsonl') })).toThrow()
  })

  test('on a full disk loses lines, and logging does not throw', () => {
    if (!existsSync('/dev/full')) throw new Error('this test needs /dev/full')
    const { log, texts } = captured({ file: '/dev/full' })
    expect(() => log.info('lost')).not.toThrow()
    expect(texts).toHaveLength(1)
  })

  test('is created again by a write after reopen or close', () => {
    const path = join(folder, 'a.jsonl')
    const file = new LineFile(path)
    file.write('1\n')
    renameSync(path, `${path}.1`)
    file.reopen()
    file.write('2\n')
    file.close()
    file.close()
    file.write('3\n')
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('1\n')
    expect(readFileSync(path, 'utf8')).toBe('2\n3\n')
    file.close()
  })

  test('keeps only complete lines when the disk fills in the middle of one', () => {
    const path = join(folder, 'limited.jsonl')
    const script = `
      import { LineFile } from ${JSON.stringify(new URL('../line-file.ts', import.meta.url).href)}
      process.on('SIGXFSZ', () => {})
      const file = new LineFile(${JSON.stringify(path)})
      for (let i = 0; i < 60; i += 1) file.write('x'.repeat(99) + '\\n')`
    // The shell limits files to 4 blocks of 1024 bytes, which is not a whole number of lines.
    const node = JSON.stringify(process.execPath)
    execFileSync('bash', [
      '-c',
      `ulimit -f 4; exec ${node} --conditions=@escudo/source --input-type=module -e "$0"`,
      script,
    ])
    const text = readFileSync(path, 'utf8')
    expect(text.length).toBeGreaterThan(3_500)
    expect(text.split('\n').every((line) => line === '' || line.length === 99)).toBe(true)
  })

  test('standard output does not block while its reader is stuck, and lines stay complete', async () => {
    const script = `
      import { StandardOutput } from ${JSON.stringify(new URL('../line-file.ts', import.meta.url).href)}
      const out = new StandardOutput()
      const started = performance.now()
      for (let i = 0; i < 5000; i += 1) out.write('x'.repeat(99) + '\\n')
      process.stderr.write(String(performance.now() - started))
      setTimeout(() => { out.write('last'.repeat(25) + '\\n') }, 500)`
    const child = spawn(process.execPath, ['--conditions=@escudo/source', '--input-type=module', '-e', script], {
      stdio: 'pipe',
    })
    const tookMs = Number(await new Promise((resolve) => child.stderr.once('data', resolve)))
    expect(tookMs).toBeLessThan(2_000)
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    await new Promise((resolve) => child.on('close', resolve))
    const lines = text.split('\n').slice(0, -1)
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.length).toBeLessThan(5_000)
    // One line may be incomplete, written when the reader stopped. It is on a separate line.
    expect(lines.filter((line) => line.length !== 99 && !line.startsWith('last')).length).toBeLessThanOrEqual(1)
    expect(lines.at(-1)).toBe('last'.repeat(25))
  })

  test('standard output whose reader is gone does not end the process', async () => {
    const script = `
      import { createLogger } from ${JSON.stringify(new URL('../pino.ts', import.meta.url).href)}
      const log = createLogger({ service: 's' })
      for (let i = 0; i < 20000; i += 1) log.info({ i }, 'tick')
      process.exitCode = 7`
    const child = spawn(process.execPath, ['--conditions=@escudo/source', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child.stdout.once('data', () => child.stdout.destroy())
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(7)
  })
})

function throwTrap(): never {
  throw new Error('trap')
}

function cycle(): object {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}
