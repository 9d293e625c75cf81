import { once } from 'node:events'
import { connect } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { keptLines } from '../../test/kept-lines.ts'
import { type EscudoOptions, escudo } from '../adapter.ts'

const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
const codeOf = async (response: Response): Promise<unknown> => JSON.parse(await response.text()).error_code
const servers: { close(): unknown }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

function start(options: Partial<EscudoOptions> = {}, app = new Hono()) {
  const { lines, logger } = keptLines()
  return { app, lines, ...escudo(app, { contract, logger, ...options }) }
}

const events = (lines: readonly Record<string, unknown>[]): unknown =>
  lines.map((line) => [line['event'], line['status_code']])

describe('what a route of Hono returns', () => {
  it('writes the line of a HEAD request, whose body Hono drops', async () => {
    const { app, lines } = start()
    app.get('/', (c) => c.text('potion'))
    app.get('/bug', () => {
      throw new Error('bug')
    })
    await app.request('/', { method: 'HEAD' })
    expect(events(lines)).toEqual([['http.request', 200]])
    await app.request('/bug', { method: 'HEAD' })
    expect(events(lines.slice(1))).toEqual([
      ['http_error', 500],
      ['http.request', 500],
    ])
  })

  const used = new Response('potion')
  it.each([
    ['nothing', () => undefined as never],
    ['a response that was returned before', () => used],
    ['a network error', () => Response.error()],
  ])('answers 500 for %s, with both lines', async (_, make) => {
    const { app, lines } = start()
    app.get('/', make)
    await (await app.request('/')).text()
    const before = lines.length
    const response = await app.request('/')
    expect([response.status, await codeOf(response)]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    expect(events(lines.slice(before))).toEqual([
      ['http_error', 500],
      ['http.request', 500],
    ])
  })

  it('answers a path outside the base path with the 404 of the contract', async () => {
    const { app, lines } = start({}, new Hono().basePath('/api'))
    app.get('/potion', (c) => c.text('potion'))
    const response = await app.request('/other')
    expect([response.status, await codeOf(response)]).toEqual([404, 'ROUTE_NOT_FOUND'])
    expect(events(lines)).toEqual([
      ['http_error', 404],
      ['http.request', 404],
    ])
  })

  it('answers although the option address throws', async () => {
    const { app } = start({ address: () => JSON.parse('{') })
    app.get('/', (c) => c.text('potion'))
    expect((await app.request('/')).status).toBe(200)
  })

  it('writes 499 and no error when a client leaves a stream on Node', async () => {
    const { app, lines, createServer } = start()
    app.get(
      '/',
      () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('a')) })),
    )
    const port = await new Promise<number>((resolve) => {
      servers.push(
        serve({ fetch: app.fetch, createServer, hostname: '127.0.0.1', port: 0 }, (info) => resolve(info.port)),
      )
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    await once(socket, 'data')
    socket.destroy()
    await expect.poll(() => events(lines)).toEqual([['http.request', 499]])
  })
})
