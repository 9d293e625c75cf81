import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { shield } from '../../core/shield.ts'
import { constant } from '../../index.ts'
import { retry } from '../../policies/retry/retry.ts'
import { createLogger, logPolicyEvents } from '../../telemetry/pino.ts'
import { LogShipper, type LogShipperOptions } from '../index.ts'
import { type Engine, startEngine } from './engine.ts'

const fast = (): NonNullable<LogShipperOptions['shield']> =>
  shield('log-engine', retry({ maxRetries: 50, backoff: constant(10) }))

function setUp(engine: Engine, options: Partial<LogShipperOptions> = {}) {
  const shipper = new LogShipper({ url: engine.url, flushInterval: 20, shield: fast(), ...options })
  const log = createLogger({ service: 'shop', env: 'test', stdout: false, sink: shipper })
  return { shipper, log }
}
const numbersOf = (engine: Engine): readonly unknown[] =>
  engine
    .lines()
    .filter(({ event }) => event === 'tick')
    .map(({ n }) => n)
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

afterEach(() => {
  vi.restoreAllMocks()
})

describe('batches', () => {
  test('sends lines as they are, with parameters that name their fields', async () => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine)
    log.info({ user_id: 'bob', token: 'x' }, 'order_paid')
    expect(await shipper.flush()).toBe(true)
    expect(engine.lines()).toEqual([
      expect.objectContaining({ event: 'order_paid', service: 'shop', user_id: 'bob', token: '[redacted]' }),
    ])
    const [{ path, parameters, headers } = {}] = engine.received
    expect(path).toBe('/insert/jsonline')
    expect(Object.fromEntries(parameters ?? [])).toEqual({
      _time_field: 'timestamp',
      _msg_field: 'event',
      _stream_fields: 'service,env',
    })
    expect(headers).toMatchObject({ 'content-type': 'application/stream+json' })
    expect(headers).not.toHaveProperty('traceparent')
    expect(headers).not.toHaveProperty('x-request-timeout-ms')
    expect([shipper.linesShipped, shipper.linesWaiting, shipper.linesLost]).toEqual([1, 0, 0])
  })

  test('sends lines of an interval together, without a call', async () => {
    const engine = await startEngine()
    const { log } = setUp(engine, { flushInterval: 50 })
    for (const n of upTo(100)) log.info({ n }, 'tick')
    await vi.waitFor(() => expect(numbersOf(engine)).toEqual(upTo(100)))
    expect(engine.received).toHaveLength(1)
  })

  test('sends a full batch before the interval is over', async () => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine, { flushInterval: '60s', batchLengthMax: 2_000 })
    for (const n of upTo(100)) log.info({ n }, 'tick')
    await vi.waitFor(() => expect(numbersOf(engine).length).toBeGreaterThan(80))
    expect(await shipper.flush()).toBe(true)
    expect(numbersOf(engine)).toEqual(upTo(100))
    for (const { body } of engine.received) expect(body.length).toBeLessThanOrEqual(2_000)
  })

  test('keeps parameters of the URL, and sends headers', async () => {
    const engine = await startEngine(0, '/insert/jsonline?_msg_field=message&extra_fields=region%3Deu')
    const { shipper, log } = setUp(engine, { headers: { 'x-scope-orgid': 'a' }, labels: ['service', 'log_level'] })
    log.info('tick')
    await shipper.flush()
    expect(Object.fromEntries(engine.received[0]?.parameters ?? [])).toEqual({
      _time_field: 'timestamp',
      _msg_field: 'message',
      _stream_fields: 'service,log_level',
      extra_fields: 'region=eu',
    })
    expect(engine.received[0]?.headers).toMatchObject({ 'x-scope-orgid': 'a' })
  })
})

describe('faults of the engine', () => {
  test.each([503, 429, 'reset'] as const)('%s loses no line and keeps the order', async (fault) => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine)
    engine.answer = fault
    for (const n of upTo(10)) log.info({ n }, 'tick')
    await vi.waitFor(() => expect(engine.received.length).toBeGreaterThan(1))
    for (const n of upTo(10)) log.info({ n: n + 10 }, 'tick')
    engine.answer = 200
    expect(await shipper.flush()).toBe(true)
    expect(numbersOf(engine)).toEqual(upTo(20))
    expect(shipper.linesLost).toBe(0)
  })

  test('a restart on the same port loses no line', async () => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine)
    log.info({ n: 0 }, 'tick')
    await shipper.flush()
    await engine.close()
    for (const n of [1, 2, 3]) {
      log.info({ n }, 'tick')
      await delay(30)
    }
    const again = await startEngine(engine.port)
    expect(await shipper.flush()).toBe(true)
    expect([...numbersOf(engine), ...numbersOf(again)]).toEqual(upTo(4))
  })

  test('without retries of the shield, a batch is sent again later', async () => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine, { shield: shield('log-engine') })
    engine.answer = 500
    log.info({ n: 0 }, 'tick')
    await vi.waitFor(() => expect(engine.received).toHaveLength(1))
    engine.answer = 200
    await vi.waitFor(() => expect(numbersOf(engine)).toEqual([0]), { timeout: 5_000 })
    expect(shipper.linesLost).toBe(0)
  })

  test('lines beyond the bound are lost, counted, and reported when the engine is back', async () => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine, { batchLengthMax: 1_000, waitingLengthMax: 5_000 })
    engine.answer = 503
    for (const n of upTo(1_000)) log.info({ n }, 'tick')
    expect(shipper.linesWaiting).toBeLessThan(60)
    expect(shipper.linesLost).toBe(1_000 - shipper.linesWaiting)
    engine.answer = 200
    expect(await shipper.flush()).toBe(true)
    expect(numbersOf(engine)).toEqual(upTo(1_000 - shipper.linesLost))
    expect(engine.lines().at(-1)).toMatchObject({
      event: 'log.lines_lost',
      log_level: 'warning',
      lines_lost: shipper.linesLost,
      reason: 'FULL',
    })
  })

  test('lines that the engine refuses are lost, with one warning, and later ones arrive', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const engine = await startEngine()
    const { shipper, log } = setUp(engine)
    engine.answer = 400
    for (const n of [0, 1]) {
      log.info({ n }, 'tick')
      await shipper.flush()
    }
    expect(shipper.linesLost).toBe(2)
    expect(warning.mock.calls).toEqual([
      [
        'log-engine refuses log lines with 400: the answer of the engine',
        { type: 'EscudoWarning', code: 'ESCUDO_LOG_SHIPPER' },
      ],
    ])
    engine.answer = 200
    log.info({ n: 2 }, 'tick')
    await shipper.flush()
    expect(numbersOf(engine)).toEqual([2])
    expect(engine.lines().at(-1)).toMatchObject({ event: 'log.lines_lost', lines_lost: 2, reason: 'HTTP_400' })
  })

  test('flush gives up in time, and its lines still arrive later', async () => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine)
    engine.answer = 503
    log.info({ n: 0 }, 'tick')
    expect(await shipper.flush(100)).toBe(false)
    engine.answer = 200
    await vi.waitFor(() => expect(numbersOf(engine)).toEqual([0]))
  })

  test('lines about its own retries do not multiply', async () => {
    const engine = await startEngine()
    const { shipper, log } = setUp(engine)
    const stop = logPolicyEvents(log)
    engine.answer = 503
    log.info({ n: 0 }, 'tick')
    await vi.waitFor(() => expect(engine.received.length).toBeGreaterThan(20))
    expect(shipper.linesWaiting).toBeLessThanOrEqual(11)
    engine.answer = 200
    expect(await shipper.flush()).toBe(true)
    expect(engine.lines().filter(({ event }) => event === 'retry.attempt')).toHaveLength(10)
    stop()
  })
})

describe('the push API of Loki', () => {
  test('groups lines by labels, with their time in nanoseconds', async () => {
    const engine = await startEngine(0, '/loki/api/v1/push')
    const shipper = new LogShipper({ url: engine.url, flushInterval: 20 })
    const line = (fields: object): string => `${JSON.stringify(fields)}\n`
    const timestamp = '2026-11-28T14:00:00.123Z'
    const lines = [
      line({ timestamp, service: 'a', env: 'x', n: 1 }),
      line({ timestamp, service: 'b', n: 2 }),
      line({ timestamp, service: 'a', env: 'x', n: 3 }),
    ]
    for (const each of lines) shipper.write(each)
    await shipper.flush()
    const [{ headers, body = '', parameters } = {}] = engine.received
    expect(headers).toMatchObject({ 'content-type': 'application/json' })
    expect(parameters?.get('_time_field')).toBeNull()
    const [first, second, third] = lines.map((each) => each.trim())
    const at = `${Date.parse(timestamp)}000000`
    expect(JSON.parse(body)).toEqual({
      streams: [
        {
          stream: { service: 'a', env: 'x' },
          values: [
            [at, first],
            [at, third],
          ],
        },
        { stream: { service: 'b' }, values: [[at, second]] },
      ],
    })
  })

  test('sends a line without labels, without a time or that is no JSON', async () => {
    const engine = await startEngine(0, '/loki/api/v1/push')
    const shipper = new LogShipper({ url: engine.url })
    const beforeMs = Date.now()
    for (const text of ['{"a":1}\n', 'no JSON\n', 'null\n', '{"service":{"a":1},"timestamp":"soon"}\n'])
      shipper.write(text)
    await shipper.flush()
    const { streams } = JSON.parse(engine.received[0]?.body ?? '') as {
      streams: { stream: object; values: [string, string][] }[]
    }
    expect(streams.map(({ stream }) => stream)).toEqual([{ service: 'unknown' }])
    for (const [at] of streams[0]?.values ?? []) expect(Number(at) / 1e6).toBeGreaterThanOrEqual(beforeMs - 1)
    expect(streams[0]?.values.map(([, text]) => text)).toHaveLength(4)
  })
})

describe('options', () => {
  test.each([
    [{ url: 'shop' }, 'LogShipper.url'],
    [{ url: 'ftp://a/b' }, 'LogShipper.url'],
    [{ url: 'http://user:pw@a/b' }, 'LogShipper.url'],
    [{ url: 'http://a', format: 'otlp' }, 'LogShipper.format'],
    [{ url: 'http://a', labels: [] }, 'LogShipper.labels'],
    [{ url: 'http://a', labels: ['trace id'] }, 'LogShipper.labels[0]'],
    [{ url: 'http://a', headers: { 'a b': 'c' } }, 'LogShipper.headers'],
    [{ url: 'http://a', headers: { a: 1 } }, 'LogShipper.headers.a'],
    [{ url: 'http://a', flushInterval: '2m' }, 'LogShipper.flushInterval'],
    [{ url: 'http://a', batchLengthMax: 0 }, 'LogShipper.batchLengthMax'],
    [{ url: 'http://a', waitingLengthMax: 10 }, 'LogShipper.waitingLengthMax'],
    [{ url: 'http://a', name: '' }, 'LogShipper.name'],
    [{ url: 'http://a', color: 'red' }, 'LogShipper'],
  ])('refuses %o', (options, path) => {
    const build = (): unknown => new LogShipper(options as unknown as LogShipperOptions)
    expect(build).toThrow(path)
    expect(build).not.toThrow('pw')
  })
})
