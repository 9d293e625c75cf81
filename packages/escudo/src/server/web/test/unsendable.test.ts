import { getRequestListener } from '@hono/node-server'
import { afterEach, describe, expect, it } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { keptLines } from '../../test/kept-lines.ts'
import { type EscudoOptions, escudo, type WebHandler } from '../adapter.ts'

const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
const codeOf = async (response: Response): Promise<unknown> => JSON.parse(await response.text()).error_code
const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
const servers: { close(): unknown }[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

type Make = () => unknown

async function consumed(): Promise<Response> {
  const response = new Response('secret')
  await response.text()
  return response
}

function locked(): Response {
  const response = new Response('secret')
  response.body?.getReader()
  return response
}

const UNSENDABLE: readonly (readonly [string, Make])[] = [
  ['null', () => null],
  ['text', () => 'secret'],
  ['a response that was read', consumed],
  ['a response that is being read', locked],
  ['a network error', () => Response.error()],
]

function start(make: Make, options: Partial<EscudoOptions> = {}) {
  const { lines, logger } = keptLines()
  return { lines, ...escudo({ contract, logger, ...options }), handle: make as WebHandler<readonly unknown[]> }
}

/** Starts a handler on Node's front. */
async function listen(make: Make) {
  const { lines, handler, createServer, handle } = start(make)
  // The runner of the tests has a global Response that must not be replaced.
  const server = createServer(getRequestListener(handler(handle), { overrideGlobalObjects: false }))
  servers.push(server)
  const url = await new Promise<string>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}`))
  })
  return { lines, url }
}

const events = (lines: readonly Record<string, unknown>[]): unknown =>
  lines.map((line) => [line['event'], line['status_code']])
const BUG = [
  ['http_error', 500],
  ['http.request', 500],
]

describe('a handler that returns what cannot be sent', () => {
  it.each(UNSENDABLE)('answers 500 for %s', async (_, make) => {
    const { handler, handle, lines } = start(make)
    const response = await handler(handle)(new Request('http://shop/'))
    expect([response.status, await codeOf(response)]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    expect(events(lines)).toEqual(BUG)
  })

  it.each(UNSENDABLE)('answers 500 for %s on Node, in the form of the contract', async (_, make) => {
    const { url, lines } = await listen(make)
    const response = await fetch(url)
    const text = await response.text()
    expect([response.status, JSON.parse(text).error_code]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    expect(text).not.toContain('secret')
    await expect.poll(() => events(lines)).toEqual(BUG)
  })

  it('answers 500 on Node for a body that fails before the headers are sent', async () => {
    const { url, lines } = await listen(() => {
      const body = new ReadableStream({ start: (controller) => controller.error(new Error('secret')) })
      return new Response(body)
    })
    const response = await fetch(url)
    expect([response.status, await codeOf(response)]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    await expect.poll(() => events(lines)).toEqual(BUG)
  })

  it.each([
    ['a text like that of an error', 200, { 'content-type': 'text/plain' }],
    ['a plain 500', 500, { 'Content-Type': 'text/plain' }],
  ])('sends %s unchanged on Node', async (_, status, headers) => {
    const { url, lines } = await listen(() => new Response('Error: sold out', { status, headers }))
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([status, 'Error: sold out'])
    await expect.poll(() => events(lines)).toEqual([['http.request', status]])
  })
})

describe('a response without a reader of its body', () => {
  it('ends the exchange of a HEAD request, whose body no runtime reads', async () => {
    const { handler, handle, lines } = start(() => new Response('potion'))
    await handler(handle)(new Request('http://shop/', { method: 'HEAD' }))
    expect(events(lines)).toEqual([['http.request', 200]])
  })

  it('writes 499 and no error for a client that leaves while the body is awaited', async () => {
    const { handler, handle, lines } = start(
      () => new Response(new ReadableStream({ pull: () => new Promise<void>(() => {}) })),
    )
    const { body } = await handler(handle)(new Request('http://shop/'))
    const reader = body?.getReader()
    const pending = reader?.read()
    await reader?.cancel()
    await pending
    await new Promise((resolve) => setImmediate(resolve))
    expect(events(lines)).toEqual([['http.request', 499]])
  })
})

describe('the address of a client', () => {
  it.each([
    ['throws', () => Promise.reject(new Error('no address')) as never],
    ['throws at once', () => JSON.parse('{')],
    ['returns an empty text', () => ''],
  ])('is unknown, and not trusted, if the option %s', async (_, address) => {
    const { handler, handle } = start(() => new Response('potion'), {
      address: () => {
        const found: unknown = address()
        if (found instanceof Promise) found.catch(() => {})
        return found as string
      },
    })
    const response = await handler(handle)(new Request('http://shop/', { headers: { traceparent: TRACEPARENT } }))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-trace-id')).not.toBe('a'.repeat(32))
  })
})

describe('a listener of the front', () => {
  it.each([
    ['throws', () => JSON.parse('{')],
    ['rejects', () => Promise.reject(new Error('secret'))],
  ])('that %s is answered with 500, and the process lives on', async (_, listener) => {
    const { createServer: create, lines } = start(() => undefined)
    const server = create(listener)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const response = await fetch(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
    expect([response.status, await codeOf(response)]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
    await expect.poll(() => events(lines)).toEqual(BUG)
  })
})
