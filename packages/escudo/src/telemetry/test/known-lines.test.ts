// A known line has exactly the text that its fields have when they are logged as an object.
import fc from 'fast-check'
import Fastify from 'fastify'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Ambient, withAmbient } from '../../core/context/ambient.ts'
import { type KnownLine, type KnownLineLogger, WRITE_KNOWN } from '../../core/events/known-line.ts'
import { type ServerLogger, writeKnownLine, writeLine } from '../../server/logger.ts'
import { ErrorLine, RequestLine } from '../../server/request-lines.ts'
import { createLogger, type LoggerSettings } from '../pino.ts'

const context: Ambient = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function make(settings: Partial<LoggerSettings> = {}) {
  const texts: string[] = []
  const sink = { write: (line: string) => void texts.push(line) }
  const log = createLogger({ service: 'shop', level: 'debug', stdout: false, sink, ...settings })
  return { log, texts }
}

/** Writes a line in both ways. */
function both(log: ServerLogger, texts: string[], line: KnownLine, ambient = context): readonly string[] {
  texts.length = 0
  writeKnownLine(log, 'info', 'http.request', line, ambient)
  withAmbient(ambient, () => writeLine(log, 'info', line.fields(), 'http.request'))
  return [...texts]
}

const takes = (log: unknown, line: KnownLine): boolean =>
  (log as KnownLineLogger)[WRITE_KNOWN]('info', 'http.request', line, context)

const request = { method: 'GET', route: '/items/:id', path: '/items/item1' }
const requestLine = new RequestLine(request, 200, 1.42, 0, undefined, undefined)
const businessError = { status_code: 404, detail: "Item '7' no.", error_code: 'X', error_kind: 'business', context: {} }

// Texts that need escapes, that hold secrets, and that are long.
const part = fc.oneof(
  fc.constantFrom('/items/', 'a"b', '\\', '\u0000\u001b[31m', '\u2028', '\ud800', '\udc00', 'é', '💥', 'token=', 'abc'),
  fc.constantFrom('http://u:p@h/', '--password ', 'Bearer a1b2c3d4e5', '{"secret":"x"}', '%74oken=', ':id', '*', ' '),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer({ min: 0, max: 9_000 }).map((length) => 'x'.repeat(length)),
)
const text = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(''))
const requests = fc.record({ method: text, route: fc.option(text), path: text })
const errors = fc.option(fc.record({ code: text, kind: text }), { nil: undefined })
const requestLines = fc
  .tuple(
    requests,
    fc.oneof(fc.nat(999), fc.constantFrom(Number.NaN, '200' as unknown as number)),
    fc.oneof(fc.double({ min: 0, max: 1e6 }), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0)),
    fc.nat(3),
    fc.option(fc.array(fc.oneof(text, fc.constant('token')), { maxLength: 4 }), { nil: undefined }),
    errors,
  )
  .map((parts): KnownLine => new RequestLine(...parts))
const names = fc.oneof(
  text,
  fc.constantFrom('detail', 'context', 'method', 'path', 'event', 'service', 'fields.service', 'password', '__proto__'),
  fc.constantFrom('error_code', 'error_kind', 'error_type', 'error_message', 'error_stack'),
  fc.constantFrom('name', 'value', 'values', 'trace_id'),
)
const errorLines = fc
  .tuple(fc.dictionary(names, fc.oneof(text, fc.jsonValue(), fc.object()), { maxKeys: 8 }), requests)
  .map(([others, of]): KnownLine => new ErrorLine(others, of))
// As the contract begins them.
const facts = fc.record({
  status_code: fc.oneof(fc.nat(999), fc.constantFrom<unknown>(Number.NaN, -0, '404', undefined)),
  detail: fc.oneof(text, fc.constantFrom<unknown>(undefined, 5)),
  error_code: fc.oneof(text, fc.constantFrom<unknown>('X', null)),
  error_kind: fc.oneof(text, fc.constantFrom<unknown>('business', undefined)),
})
const contractLines = fc
  .tuple(facts, fc.dictionary(names, fc.oneof(text, fc.jsonValue()), { maxKeys: 3 }), requests)
  .map(([first, others, of]): KnownLine => new ErrorLine({ ...first, ...others }, of))
const lines = fc.oneof(requestLines, errorLines, contractLines)

describe('a known line equals the line of its fields', () => {
  const numRuns = 300

  test('for any values', () => {
    const { log, texts } = make({ version: '1.2', env: 'test' })
    fc.assert(
      fc.property(lines, (line) => {
        const [known, general] = both(log, texts, line)
        expect(known).toBe(general)
        expect(known?.slice(0, -1)).not.toContain('\n')
        JSON.parse(known ?? '')
      }),
      { numRuns },
    )
  })

  test('near the bound of a line, with a long message and a long stack', () => {
    const { log, texts } = make()
    const long = 'x'.repeat(8_000)
    const others = { a: long, b: long, c: long, d: long, e: long, f: long, g: 'x'.repeat(6_500) }
    const line = new ErrorLine(
      { ...others, error_message: long, error_stack: long },
      { method: 'GET', route: '/', path: '/' },
    )
    const [known, general] = both(log, texts, line)
    expect(known).toBe(general)
    const facts = { status_code: 500, detail: long, error_code: long, error_kind: long }
    const ofContract = new ErrorLine({ ...facts, ...others }, { method: 'GET', route: '/', path: '/' })
    const [knownOfContract, generalOfContract] = both(log, texts, ofContract)
    expect(knownOfContract).toBe(generalOfContract)
  })

  test('for any bindings of the logger and of the request, and any paths to redact', () => {
    const bindings = fc.dictionary(names, fc.oneof(text, fc.jsonValue()), { maxKeys: 4 })
    const path = fc.constantFrom('path', 'route', '*', 'context.id', 'detail', 'error_code', 'elsewhere', 'shields[*]')
    fc.assert(
      fc.property(
        lines,
        bindings,
        fc.option(bindings),
        fc.array(path, { maxLength: 2 }),
        (line, bound, own, redact) => {
          const { log, texts } = make({ redact })
          const [known, general] = both(
            log.child(bound),
            texts,
            line,
            own === null ? context : { ...context, bindings: own },
          )
          expect(known).toBe(general)
        },
      ),
      { numRuns },
    )
  })
})

describe('a logger takes known lines as text', () => {
  test('as made by createLogger, as a child, with a parent span, and as the logger of Fastify', () => {
    const { log, texts } = make()
    const app = Fastify({ loggerInstance: log })
    const lines = [requestLine, new ErrorLine(businessError, request)]
    for (const logger of [log, log.child({ part: 'http' }), app.log]) {
      for (const line of lines) expect(takes(logger, line)).toBe(true)
    }
    const [known, general] = both(app.log, texts, requestLine, { ...context, parentSpanId: 'c'.repeat(16) })
    expect(known).toBe(general)
    expect(known).toContain(`"parent_span_id":"${'c'.repeat(16)}"`)
  })

  test('also an existing pino logger without code of the user', () => {
    const texts: string[] = []
    const log = createLogger({ service: 's', pino: pino({ base: null }, { write: (line) => void texts.push(line) }) })
    expect(takes(log, requestLine)).toBe(true)
    const [known, general] = both(log, texts, requestLine)
    expect(known).toBe(general)
  })

  test('by its level, also when that changes', () => {
    const { log, texts } = make()
    const child = log.child({}, { level: 'error' })
    for (const logger of [log, child]) {
      logger.level = 'warn'
      writeKnownLine(logger, 'info', 'http.request', requestLine, context)
      logger.level = 'silent'
      writeKnownLine(logger, 'error', 'http_error', requestLine, context)
    }
    expect(texts).toEqual([])
    log.level = 'info'
    expect(takes(log, requestLine)).toBe(true)
    expect(texts).toHaveLength(1)
  })
})

test('a destination that throws gets each line once', () => {
  const seen: string[] = []
  const write = (line: string): void => {
    seen.push(JSON.parse(line).event)
    throw new Error('full')
  }
  const log = createLogger({ service: 's', pino: pino({ base: null }, { write }) })
  log.info({ a: 1 }, 'one')
  writeKnownLine(log, 'info', 'two', requestLine, context)
  expect(seen).toEqual(['one', 'two'])
})

describe('a logger gets known lines as objects', () => {
  const destination = { write: (): void => {} }
  test.each<readonly [string, pino.LoggerOptions]>([
    ['a mixin', { mixin: () => ({ mixed: 1 }) }],
    ['a formatter', { formatters: { log: (fields) => ({ ...fields, formatted: 1 }) } }],
    ['a serializer of a known field', { serializers: { path: () => '/hidden' } }],
    ['redaction', { redact: ['path'] }],
    ['a prefix', { msgPrefix: '[p] ' }],
    ['a hook', { hooks: { logMethod: (args, method) => method.apply(log, args as never) } }],
    ['a hook for the text', { hooks: { streamWrite: (line) => line } }],
  ])('with %s', (_, options) => {
    expect(takes(createLogger({ service: 's', pino: pino(options, destination) }), requestLine)).toBe(false)
  })
  const log = pino(destination)

  test('at critical, because pino flushes then', () => {
    const { log: logger } = make()
    expect((logger as unknown as KnownLineLogger)[WRITE_KNOWN]('critical', 'http_error', requestLine, context)).toBe(
      false,
    )
  })

  test.each<readonly [string, (log: pino.Logger, seen: unknown[]) => ServerLogger]>([
    ['a replaced method', (log, seen) => Object.assign(log, { info: (fields: object) => void seen.push(fields) })],
    [
      'an object that inherits',
      (log, seen) => Object.create(log, { info: { value: (fields: object) => seen.push(fields) } }),
    ],
    [
      'a proxy',
      (log, seen) =>
        new Proxy(log, {
          get: (target, key) => (key === 'info' ? (fields: object) => seen.push(fields) : Reflect.get(target, key)),
        }),
    ],
    [
      'a hostile proxy',
      (_log, seen) =>
        new Proxy({} as ServerLogger, {
          get: (_, key) => {
            if (key !== 'info') throw new Error('trap')
            return (fields: object) => seen.push(fields)
          },
        }),
    ],
    ['another logger', (_log, seen) => ({ info: (fields: object) => seen.push(fields) }) as unknown as ServerLogger],
  ])('if it is %s', (_, change) => {
    const { log: logger, texts } = make()
    const seen: unknown[] = []
    writeKnownLine(change(logger, seen), 'info', 'http.request', requestLine, context)
    expect(seen).toEqual([
      { method: 'GET', route: '/items/:id', path: '/items/item1', status_code: 200, latency_ms: 1.42 },
    ])
    expect(texts).toEqual([])
  })
})
