import { EventEmitter } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { contextHeaders, shield, timeout, withContext } from '../../../index.ts'
import { ambient } from '../ambient.ts'

const TRACE = 'a'.repeat(32)
const SPAN = 'b'.repeat(16)
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`

describe('withContext', () => {
  test.each<[string, unknown]>([
    ['an object', { traceparent: TRACEPARENT }],
    ['an object with names in another case', { TraceParent: TRACEPARENT }],
    ['bytes, as Kafka sends them', { traceparent: Buffer.from(TRACEPARENT) }],
    ['lists', { traceparent: [TRACEPARENT, 'other'] }],
    ['a Map', new Map([['traceparent', TRACEPARENT]])],
    ['a Map with names in another case', new Map([['TraceParent', TRACEPARENT]])],
    ['Headers', new Headers({ traceparent: TRACEPARENT })],
    ['gRPC metadata', { get: (name: string) => (name === 'traceparent' ? [TRACEPARENT] : []) }],
  ])('continues the trace in a carrier of the form: %s', (_what, carrier) => {
    const context = withContext(carrier as never, () => ambient())
    expect(context).toMatchObject({ traceId: TRACE, parentSpanId: SPAN })
    expect(context?.spanId).not.toBe(SPAN)
  })

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['an empty object', {}],
    ['an invalid traceparent', { traceparent: 'x' }],
    ['a number in place of text', { traceparent: 5 }],
    [
      'an object that throws',
      {
        get() {
          throw new Error('hostile')
        },
      },
    ],
  ])('starts a new trace for %s', (_what, carrier) => {
    const context = withContext(carrier as never, () => ambient())
    expect(context?.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(context?.parentSpanId).toBeUndefined()
  })

  test('returns what the function returns, throws what it throws, and ends with it', async () => {
    expect(withContext({}, () => 5)).toBe(5)
    expect(() => withContext({}, () => expect.fail('thrown'))).toThrow('thrown')
    expect(await withContext({}, async () => 6)).toBe(6)
    expect(ambient()).toBeUndefined()
  })

  test('refuses what is no function, and a promise of options', () => {
    expect(() => withContext({}, Promise.resolve(5) as never)).toThrow('withContext.fn: expected a function')
    expect(() => withContext({}, () => 5, Promise.resolve({}) as never)).toThrow('withContext: expected an object')
  })

  test('carries language and bindings, and refuses unknown options', () => {
    const bindings = { queue: 'orders' }
    expect(withContext({}, () => ambient(), { locale: 'es', bindings })).toMatchObject({ locale: 'es', bindings })
    expect(() => withContext({}, () => 1, { dedline: 5 } as never)).toThrow(/withContext.dedline/)
    expect(() => withContext({}, () => 1, { deadline: 'soon' as never })).toThrow(/withContext.deadline/)
  })

  test('takes a computed deadline that has passed: every call inside rejects', async () => {
    const called = vi.fn()
    for (const deadline of [0, -1]) {
      const run = withContext({}, () => shield('s').run(called), { deadline })
      await expect(run).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
      expect(withContext({}, () => contextHeaders(), { deadline })['x-request-timeout-ms']).toBe('0')
    }
    expect(called).not.toHaveBeenCalled()
  })

  test('never mixes interleaved contexts, over promises, timers, emitters, thenables and abort listeners', async () => {
    const s = shield('s', timeout(20))
    const ids = Array.from({ length: 50 }, (_, index) => index.toString(16).padStart(32, '1'))
    const seen = await Promise.all(
      ids.map((id) =>
        withContext({ traceparent: `00-${id}-${SPAN}-01` }, async () => {
          const here: (string | undefined)[] = []
          const note = (): void => void here.push(ambient()?.traceId)
          await Promise.resolve().then(note)
          await new Promise<void>((resolve) => setTimeout(resolve, 1 + (Number.parseInt(id, 16) % 3)))
          note()
          const emitter = new EventEmitter().once('x', note)
          queueMicrotask(() => emitter.emit('x'))
          const query = {
            then(resolve: () => void): void {
              note()
              resolve()
            },
          }
          await query
          await s
            .run(({ signal }) => {
              signal.addEventListener('abort', note)
              return new Promise(() => {})
            })
            .catch(note)
          return here
        }),
      ),
    )
    seen.forEach((here, index) => {
      expect(here).toHaveLength(6)
      expect(new Set(here)).toEqual(new Set([ids[index]]))
    })
  })
})

describe('contextHeaders', () => {
  test('continues the current trace in another process', () => {
    const carrier = { traceparent: TRACEPARENT, tracestate: 'a=b', baggage: 'user=7' }
    const headers = withContext(carrier, () => contextHeaders(), { deadline: '10s' })
    expect(headers).toMatchObject({ tracestate: 'a=b', baggage: 'user=7' })
    expect(headers['traceparent']).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
    expect(Number(headers['x-request-timeout-ms'])).toBeGreaterThan(9_000)
    expect(withContext(headers, () => ambient()?.traceId)).toBe(TRACE)
  })

  test('is empty outside a context', () => {
    expect(contextHeaders()).toEqual({})
  })
})
