import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { serverOfEachTest, TRACE_ID, url } from './setup.ts'

const start = serverOfEachTest()
const inbound = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('the context of a request', () => {
  test('handlers, body parsers, timers and streams see it, and interleaved requests never mix', async () => {
    const seen: Record<string, (string | undefined)[]> = {}
    const note = (key: string): void => {
      seen[key] = [...(seen[key] ?? []), ambient()?.traceId]
    }
    const shop = await start((app) => {
      app.addContentTypeParser('application/x-own', (request, payload, done) => {
        payload.on('data', () => note(String(request.headers['x-key']))).on('end', () => done(null, {}))
      })
      app.addContentTypeParser('application/x-text', { parseAs: 'string' }, async (request: { headers: object }) => {
        note(String((request.headers as { 'x-key'?: string })['x-key']))
      })
      app.post('/', async (request) => {
        const key = String(request.headers['x-key'])
        note(key)
        await pause(Math.random() * 10)
        note(key)
        await new Promise<void>((resolve) => setImmediate(() => process.nextTick(resolve)))
        note(key)
        return { trace: ambient()?.traceId }
      })
    })
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const type = ['application/json', 'application/x-own', 'application/x-text'][index % 3] as string
        const response = await fetch(url(shop, '/'), {
          method: 'POST',
          body: '{}',
          headers: { 'content-type': type, 'x-key': `k${index}` },
        })
        const id = response.headers.get('x-trace-id')
        expect(await response.json()).toEqual({ trace: id })
        expect(new Set(seen[`k${index}`])).toEqual(new Set([id]))
      }),
    )
    expect(ambient()).toBeUndefined()
    const lines = await shop.told('http.request', 60)
    expect(new Set(lines.map((line) => line['trace_id'])).size).toBe(60)
  })

  test.each([
    ['continued from a private peer', {}, inbound, true],
    ['started anew when nobody is trusted', { trustInbound: false }, inbound, false],
    [
      'continued from whom the rule trusts',
      { trustInbound: (address: string) => address.includes('127.0.0.1') },
      inbound,
      true,
    ],
    ['started anew when the rule throws', { trustInbound: () => JSON.parse('{') }, inbound, false],
    ['started anew at upper case', {}, inbound.toUpperCase(), false],
    ['started anew at all zeros', {}, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, false],
    ['started anew at version ff', {}, inbound.replace('00-', 'ff-'), false],
    ['started anew at two of them', {}, `${inbound}, ${inbound}`, false],
  ])('a trace is %s', async (_, contract, traceparent, isContinued) => {
    const shop = await start(
      (app) => {
        app.get('/', async () => 'ok')
      },
      { contract },
    )
    const response = await fetch(url(shop, '/'), { headers: { traceparent } })
    const id = response.headers.get('x-trace-id') ?? ''
    expect(id).toMatch(TRACE_ID)
    expect(id === '4bf92f3577b34da6a3ce929d0e0e4736').toBe(isContinued)
  })

  test('request.log and the server’s own log carry the trace, and Fastify adds no lines of its own', async () => {
    const shop = await start((app) => {
      app.get('/', async (request) => {
        request.log.info({ user_id: 'bob' }, 'user_lookup_started')
        return 'ok'
      })
    })
    const before = shop.lines.length
    const response = await fetch(url(shop, '/'))
    await shop.told('http.request', 1)
    const lines = shop.lines.slice(before)
    expect(lines.map(({ event }) => event)).toEqual(['user_lookup_started', 'http.request'])
    expect(lines[0]).toMatchObject({ user_id: 'bob', trace_id: response.headers.get('x-trace-id') })
  })
})
