// The user's own pino and winston, real ones, write escudo's lines.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import winston from 'winston'
import { withAmbient } from '../../core/context/ambient.ts'
import { shield } from '../../core/shield.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
import { createLogger, lineFormat } from '../pino.ts'
import * as forWinston from '../winston.ts'

const S = 'S3NT1N3L'
const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: 'c'.repeat(16), traceFlags: 1 }
const trace = { trace_id: context.traceId, span_id: context.spanId, parent_span_id: context.parentSpanId }

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'escudo-custom-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function capture() {
  const texts: string[] = []
  return {
    texts,
    stream: { write: (line: string) => void texts.push(line) },
    lines: () => texts.map((text) => JSON.parse(text) as Record<string, unknown>),
  }
}

const secrets = { url: new URL('http://h/'), req: { headers: { authorization: S } }, password: S }

describe.each<readonly [string, (destination: { write(line: string): void }) => pino.Logger]>([
  ['lineFormat', (stream) => pino({ ...lineFormat('mine', ['card.pin']), level: 'debug' }, stream)],
  [
    'createLogger with an existing pino',
    (stream) =>
      createLogger({ service: 'mine', redact: ['card.pin'], pino: pino({ level: 'debug', base: null }, stream) }),
  ],
])('a custom pino logger through %s', (_, make) => {
  test('writes the canonical fields, redacts, and each child has its bindings', () => {
    const { stream, texts, lines } = capture()
    const log = make(stream)
    withAmbient(context, () => {
      log.warn({ ...secrets, card: { pin: S } }, 'careful')
      const child = log.child({ part: 'cart', token: S, url: new URL(`http://u:${S}@h/`), service: 'evil' })
      child.info('bound')
      child.child({ part: 'item' }, { redact: ['sku'] }).debug({ sku: S, n: 1 }, 'deeper')
      child.setBindings({ more: 1, cookie: S })
      child.info('more')
      log.error(new Error(`cannot reach http://u:${S}@h/`, { cause: Object.assign(new Error('x'), { token: S }) }))
    })
    expect(texts.join('')).not.toContain(S)
    expect(lines()).toMatchObject([
      { log_level: 'warning', service: 'mine', event: 'careful', password: '[redacted]', url: 'http://h/', ...trace },
      {
        log_level: 'info',
        event: 'bound',
        part: 'cart',
        token: '[redacted]',
        service: 'mine',
        'fields.service': 'evil',
      },
      { log_level: 'debug', event: 'deeper', part: 'item', sku: expect.stringMatching(/^\[redacted\]$/i), n: 1 },
      { event: 'more', more: 1, cookie: '[redacted]', part: 'cart' },
      { log_level: 'error', event: 'cannot reach http://[redacted]@h/', err: { cause: { token: '[redacted]' } } },
    ])
    for (const text of texts) {
      const keys = [...text.matchAll(/[{,]"([^"]+)":/g)].map(([, key]) => key)
      expect(keys.filter((key) => key === 'part' || key === 'service')).toHaveLength(new Set(keys).has('part') ? 2 : 1)
    }
  })

  test('never throws for a hostile value or binding', () => {
    const { stream, texts, lines } = capture()
    const log = make(stream)
    const hostile = new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap })
    log.info('first')
    expect(() => {
      log.info(hostile, 'value')
      log.info({ hostile }, 'field')
      log.child({ hostile, big: 1n }).info('bound')
    }).not.toThrow()
    expect(texts).toHaveLength(4)
    expect(lines().map(({ event }) => event)).toEqual(['first', 'value', 'field', 'bound'])
  })

  test('keeps its level, also when that changes', () => {
    const { stream, texts } = capture()
    const log = make(stream)
    log.level = 'error'
    log.info('no')
    log.level = 'debug'
    log.debug('yes')
    log.child({}, { level: 'error' }).warn('no')
    expect(texts).toHaveLength(1)
  })
})

describe('an existing pino logger', () => {
  test('keeps its bindings, mixin, serializers, formatter, message prefix and redaction', () => {
    const { stream, texts, lines } = capture()
    const given = pino(
      {
        base: { region: 'eu', password: S },
        mixin: () => ({ mixed: 1, token: S }),
        serializers: { user: (user: { id: string }) => ({ id: user.id }) },
        formatters: { log: (fields) => ({ ...fields, formatted: true }) },
        redact: ['card', 'deep.pin'],
        msgPrefix: '[p] ',
      },
      stream,
    ).child({ own: 'child' })
    const log = createLogger({ service: 'mine', pino: given })
    log.info({ user: { id: 'bob', name: S }, card: S, deep: { pin: S, kept: 1 }, url: new URL('http://h/') }, 'hello')
    log.child({ user: { id: 'eve', name: S } }).info('bound')
    expect(texts.join('')).not.toContain(S)
    expect(lines()[0]).toMatchObject({
      event: '[p] hello',
      region: 'eu',
      own: 'child',
      mixed: 1,
      formatted: true,
      user: { id: 'bob' },
      card: '[Redacted]',
      deep: { pin: '[Redacted]', kept: 1 },
    })
    expect(lines()[1]).toMatchObject({ user: { id: 'eve' } })
    // The given logger itself is unchanged.
    given.info('plain')
    expect(lines()[2]).toMatchObject({ level: 30, msg: '[p] plain' })
  })

  test('writes the other fields if a serializer, a formatter or a getter throws', () => {
    const { stream, lines } = capture()
    const given = pino({ serializers: { user: trap }, formatters: { log: trap }, base: null }, stream)
    const log = createLogger({ service: 'mine', pino: given })
    log.info({ user: 1, n: 1, bad: Object.defineProperty({}, 'x', { enumerable: true, get: trap }) }, 'x')
    log.child({ user: 1, n: 2 }).info('y')
    expect(lines()).toMatchObject([
      { user: '[unreadable]', n: 1, bad: { x: '[unreadable]' } },
      { user: '[unreadable]', n: 2 },
    ])
  })

  test('is refused together with a destination, or if it is not a logger of pino', () => {
    expect(() => createLogger({ service: 'x', pino: pino(), file: 'a' })).toThrow(TypeError)
    expect(() => createLogger({ service: 'x', pino: console as never })).toThrow(TypeError)
  })
})

test('the lines go through transports of pino, in a worker, with one target and with several', async () => {
  const [one, two] = [join(folder, 'one.jsonl'), join(folder, 'two.jsonl')]
  const transports = [
    pino.transport({ target: 'pino/file', options: { destination: one } }),
    pino.transport({ targets: [{ target: 'pino/file', level: 'warn', options: { destination: two } }] }),
  ]
  for (const transport of transports) {
    const log = pino({ ...lineFormat('mine'), level: 'debug' }, transport)
    log.info({ token: S }, 'low')
    log.child({ part: 'cart' }).warn({ headers: { cookie: S } }, 'high')
  }
  await Promise.all(
    transports.map((transport) => {
      transport.end()
      return once(transport, 'close')
    }),
  )
  const read = (path: string) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  await vi.waitFor(() => expect(read(one)).toHaveLength(2))
  await vi.waitFor(() => expect(read(two)).toHaveLength(1))
  expect(read(one)).toMatchObject([
    { event: 'low', token: '[redacted]', log_level: 'info' },
    { event: 'high', part: 'cart', headers: { cookie: '[redacted]' } },
  ])
  expect(read(two)).toMatchObject([{ event: 'high', log_level: 'warning' }])
})

test('a transport of pino before 10.4, which has no mark, gets the numeric level for its targets', async () => {
  const [low, high] = [join(folder, 'low.jsonl'), join(folder, 'high.jsonl')]
  const transport = pino.transport({
    targets: [
      { target: 'pino/file', level: 'info', options: { destination: low } },
      { target: 'pino/file', level: 'warn', options: { destination: high } },
    ],
  })
  Reflect.deleteProperty(transport, Symbol.for('pino.transport.usesMultistream'))
  const existing = pino({ base: null }, transport)
  const log = createLogger({ service: 'mine', pino: Object.create(existing, { version: { value: '9.14.0' } }) })
  log.info('low')
  log.child({ part: 'cart' }).warn('high')
  transport.end()
  await once(transport, 'close')
  const read = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1)
  await vi.waitFor(() => expect(read(low)).toHaveLength(2))
  await vi.waitFor(() => expect(read(high)).toHaveLength(1))
})

test('the redaction of an existing logger applies to the bindings of its children', () => {
  const { stream, texts } = capture()
  const existing = pino({ base: null, redact: { paths: ['q.pin', 'z'], censor: '###' } }, stream)
  const log = createLogger({ service: 'mine', pino: existing })
  log.child({ q: { pin: S }, z: S }).info('child')
  const child = log.child({})
  child.setBindings({ z: S })
  child.child({ q: { pin: S } }).info('grandchild')
  expect(texts.join('')).not.toContain(S)
  expect(texts[0]).toContain('"q":{"pin":"###"},"z":"###"')
})

test.each<readonly [string, pino.LoggerOptions]>([
  ['throws', { mixin: throwTrap }],
  ['returns nothing', { mixin: () => null as never }],
  ['cannot be merged', { mixin: () => ({}), mixinMergeStrategy: throwTrap }],
])('a mixin that %s costs no line', (_, options) => {
  const { stream, texts, lines } = capture()
  createLogger({ service: 'mine', pino: pino({ base: null, ...options }, stream) }).info({ a: 1, token: S }, 'one')
  pino({ ...lineFormat('mine'), ...options }, stream).info({ a: 1, token: S }, 'one')
  expect(texts.join('')).not.toContain(S)
  expect(lines()).toMatchObject([
    { event: 'one', a: 1 },
    { event: 'one', a: 1 },
  ])
})

describe('winston', () => {
  function make(settings = {}) {
    const { stream, texts, lines } = capture()
    const { PassThrough } = process.getBuiltinModule('node:stream')
    const output = new PassThrough()
    output.on('data', (chunk) => stream.write(String(chunk)))
    const log = winston.createLogger({
      level: 'debug',
      format: forWinston.lineFormat({ service: 'mine', redact: ['card.pin'], ...settings }),
      transports: [new winston.transports.Stream({ stream: output })],
    })
    const written = async (count: number) => {
      await vi.waitFor(() => expect(texts.join('').split('\n').length).toBe(count + 1))
      return texts
        .join('')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    }
    return { log, texts, written, lines }
  }

  test('writes the canonical fields, redacts, and a child has its bindings', async () => {
    const { log, texts, written } = make()
    withAmbient(context, () => {
      log.warn('careful', { ...secrets, card: { pin: S } })
      log.child({ part: 'cart', token: S, service: 'evil' }).info('bound', { n: 1n })
      log.error('failed', { err: new Error('x', { cause: Object.assign(new Error('y'), { apiKey: S }) }) })
      log.error(new Error(`cannot reach http://u:${S}@h/`))
      log.info('hostile', { x: new Proxy({}, { get: trap, ownKeys: trap }) })
    })
    const lines = await written(5)
    expect(texts.join('')).not.toContain(S)
    expect(lines).toMatchObject([
      { log_level: 'warning', service: 'mine', event: 'careful', password: '[redacted]', url: 'http://h/', ...trace },
      { event: 'bound', part: 'cart', token: '[redacted]', n: '1', service: 'mine', 'fields.service': 'evil' },
      { log_level: 'error', event: 'failed', err: { cause: { apiKey: '[redacted]' } } },
      { log_level: 'error', err: { message: 'cannot reach http://[redacted]@h/' } },
      { event: 'hostile', x: '[unreadable]' },
    ])
  })

  test('logs the events of shields, and critical lines', async () => {
    const { log, written } = make()
    const target = forWinston.lineLogger(log)
    const stop = forWinston.logPolicyEvents(target)
    await shield('inventory', fallback(0)).run(() => Promise.reject(new Error('down')))
    stop()
    target.fatal({ a: 1 }, 'process.crash')
    expect(target.isLevelEnabled?.('fatal')).toBe(true)
    expect(await written(2)).toMatchObject([
      { log_level: 'warning', event: 'fallback', shield: 'inventory', error_message: 'down' },
      { log_level: 'critical', event: 'process.crash', a: 1 },
    ])
  })
})

function trap(): never {
  throw new Error('trap')
}

function throwTrap(): never {
  throw new Error('trap')
}
