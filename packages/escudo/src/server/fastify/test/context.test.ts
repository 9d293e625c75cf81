import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { serverPerTest, TRACE_ID, url } from './setup.ts'

const start = serverPerTest()
const inbound = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('the context of a request', () => {
  test('reaches handlers, body parsers and timers, and never mixes interleaved requests', async () => {
    const seen: Record<string, (string | undefined)[]> = {}
    const record = (key: string): void => {
      seen[key] = [...(seen[key] ?? []), ambient()?.traceId]
    }
    const shop = await start((app) => {
      app.addContentTypeParser('application/x-custom', (request, payload, done) => {
        payload.on('data', () => record(String(request.headers['x-key']))).on('end', () => done(null, {}))
      })
      app.addContentTypeParser('application/x-text', { parseAs: 'string' }, async (request: { headers: object }) => {
        record(String((request.headers as { 'x-key'?: string })['x-key']))
      })
      app.post('/', async (request) => {
        const key = String(request.headers['x-key'])
        record(key)
        await pause(Math.random() * 10)
        record(key)
        await new Promise<void>((resolve) => setImmediate(() => process.nextTick(resolve)))
        record(key)
        return { trace: ambient()?.traceId }
      })
    })
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const type = ['application/json', 'application/x-custom', 'application/x-text'][index % 3] as string
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
    const lines = await shop.waitForLines('http.request', 60)
    expect(new Set(lines.map((line) => line['trace_id'])).size).toBe(60)
  })

  test.each([
    ['is continued from a private peer', {}, inbound, true],
    ['is restarted when no peer is trusted', { trustInbound: false }, inbound, false],
    [
      'is continued from a peer that the rule trusts',
      { trustInbound: (address: string) => address.includes('127.0.0.1') },
      inbound,
      true,
    ],
    ['is restarted when the rule throws', { trustInbound: () => JSON.parse('{') }, inbound, false],
    ['is restarted for upper case', {}, inbound.toUpperCase(), false],
    ['is restarted for zeros only', {}, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, false],
    ['is restarted for version ff', {}, inbound.replace('00-', 'ff-'), false],
    ['is restarted for two trace parents', {}, `${inbound}, ${inbound}`, false],
  ])('an inbound trace %s', async (_, contract, traceparent, isContinued) => {
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

  test('puts the trace on lines of request.log, without request lines of Fastify', async () => {
    const shop = await start((app) => {
      app.get('/', async (request) => {
        request.log.info({ user_id: 'bob' }, 'user_lookup_started')
        return 'ok'
      })
    })
    const before = shop.lines.length
    const response = await fetch(url(shop, '/'))
    await shop.waitForLines('http.request', 1)
    const lines = shop.lines.slice(before)
    expect(lines.map(({ event }) => event)).toEqual(['user_lookup_started', 'http.request'])
    expect(lines[0]).toMatchObject({ user_id: 'bob', trace_id: response.headers.get('x-trace-id') })
  })
})
