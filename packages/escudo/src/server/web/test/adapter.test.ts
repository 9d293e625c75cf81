import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { contextHeaders } from '../../../core/context/with-context.ts'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { keptLines } from '../../test/kept-lines.ts'
import { type EscudoOptions, escudo, type WebHandler } from '../adapter.ts'
import { route } from '../web-route.ts'

const Errors = defineErrors({ SOLD_OUT: { status: 409, message: { es: 'Agotado.', en: 'Sold out.' } } })
const contract = createErrorContract({ service: 'shop', errors: Errors })
const TRACEPARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

function start(handle: WebHandler<readonly unknown[]>, options: Partial<EscudoOptions> = {}) {
  const { lines, logger } = keptLines()
  const { handler } = escudo({ contract, logger, ...options })
  return { lines, fetch: handler(handle, { route: '/potion' }) }
}

const codeOf = (text: string): unknown => JSON.parse(text).error_code
const potion = (init?: RequestInit): Request => new Request('http://shop/potion?secret=1', init)

describe('a handler of web standards', () => {
  it('adds the trace id, and writes one line when the body has been read', async () => {
    const { fetch, lines } = start(() => new Response('potion', { status: 201 }))
    const response = await fetch(potion())
    expect(response.status).toBe(201)
    expect(lines).toEqual([])
    expect(await response.text()).toBe('potion')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      event: 'http.request',
      method: 'GET',
      path: '/potion',
      status_code: 201,
      trace_id: response.headers.get('x-trace-id'),
    })
  })

  it.each([
    ['no body', () => new Response(null, { status: 204 }), 204],
    ['immutable headers', () => Response.redirect('http://shop/other', 302), 302],
  ])('ends the exchange of a response with %s', async (_, make, status) => {
    const { fetch, lines } = start(make)
    const response = await fetch(potion())
    expect(response.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
    expect(lines).toEqual([expect.objectContaining({ event: 'http.request', status_code: status })])
  })

  it.each([
    ['synchronously', () => Promise.reject(new Errors.SOLD_OUT())],
    [
      'in a promise',
      () => {
        throw new Errors.SOLD_OUT()
      },
    ],
  ])('answers an error that is thrown %s', async (_, handle) => {
    const { fetch, lines } = start(handle)
    const response = await fetch(potion({ headers: { 'accept-language': 'en' } }))
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ error_code: 'SOLD_OUT', message: 'Sold out.' })
    expect(lines.map(({ event }) => event)).toEqual(['http_error', 'http.request'])
  })

  it.each([null, undefined, 'text', 5])('answers %s that is thrown as a bug', async (thrown) => {
    const { fetch } = start(() => {
      throw thrown
    })
    const response = await fetch(potion())
    expect([response.status, codeOf(await response.text())]).toEqual([500, 'INTERNAL_SERVER_ERROR'])
  })

  it('answers HEAD without a body', async () => {
    const { fetch } = start(() => Promise.reject(new Errors.SOLD_OUT()))
    const response = await fetch(potion({ method: 'HEAD' }))
    expect([response.status, await response.text()]).toEqual([409, ''])
  })

  it('is 404 for undefined, and 405 where the path has other methods', async () => {
    const methods = (path: string): readonly string[] => (path === '/potion' ? ['GET', 'HEAD'] : [])
    const { fetch } = start(() => undefined, { methods })
    const wrong = await fetch(potion({ method: 'DELETE' }))
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await fetch(new Request('http://shop/other'))).status).toBe(404)
  })

  it('is 400 for a path that cannot be decoded, and 414 for one that is too long', async () => {
    const { fetch } = start(() => new Response('potion'))
    expect((await fetch(new Request('http://shop/%zz'))).status).toBe(400)
    expect((await fetch(new Request(`http://shop/${'x'.repeat(5_000)}`))).status).toBe(414)
    expect((await fetch(new Request(`http://shop/?${'x'.repeat(9_000)}`))).status).toBe(414)
  })

  it('logs a body that fails, and lets its reader notice', async () => {
    const { fetch, lines } = start(() => {
      let parts = 0
      const pull = (controller: ReadableStreamDefaultController): void => {
        parts += 1
        if (parts === 2) throw new Error('the rest is missing')
        controller.enqueue(new TextEncoder().encode('first'))
      }
      return new Response(new ReadableStream({ pull }))
    })
    const response = await fetch(potion())
    await expect(response.text()).rejects.toThrow('the rest is missing')
    expect(lines).toEqual([
      expect.objectContaining({ event: 'http_error', log_level: 'error' }),
      expect.objectContaining({ event: 'http.request', status_code: 500 }),
    ])
  })

  it('logs 499 when the client no longer wants the body, and cancels the body', async () => {
    let cancelled: unknown
    const { fetch, lines } = start(() => {
      const cancel = (reason: unknown): void => {
        cancelled = reason
      }
      return new Response(new ReadableStream({ cancel }))
    })
    const response = await fetch(potion())
    await response.body?.cancel('gone')
    expect(cancelled).toBe('gone')
    expect(lines).toEqual([expect.objectContaining({ event: 'http.request', status_code: 499 })])
  })

  it('believes the headers of a trusted address only', async () => {
    const traceOf = async (address: string | undefined): Promise<string | null> => {
      const handle = (): Response => new Response(contextHeaders()['x-request-timeout-ms'] ?? 'none')
      const { fetch } = start(handle, { inboundDeadline: true, address: () => address })
      const response = await fetch(potion({ headers: { traceparent: TRACEPARENT, 'x-request-timeout-ms': '5000' } }))
      expect(await response.text()).toMatch(address === '10.0.0.1' ? /^\d{4}$/ : /^none$/)
      return response.headers.get('x-trace-id')
    }
    expect(await traceOf('10.0.0.1')).toBe('a'.repeat(32))
    expect(await traceOf('203.0.113.5')).not.toBe('a'.repeat(32))
    expect(await traceOf(undefined)).not.toBe('a'.repeat(32))
  })

  it('keeps the contexts of requests apart', async () => {
    const { fetch } = start(async () => {
      const before = contextHeaders()['traceparent']
      await new Promise((resolve) => setTimeout(resolve, 1))
      return new Response(String(before === contextHeaders()['traceparent'] ? before : 'mixed'))
    })
    const responses = await Promise.all(Array.from({ length: 200 }, () => fetch(potion())))
    const texts = await Promise.all(responses.map((response) => response.text()))
    expect(texts.map((text) => text.slice(3, 35))).toEqual(responses.map(({ headers }) => headers.get('x-trace-id')))
    expect(new Set(texts).size).toBe(200)
  })

  it.each([
    ['escudo.contract', () => escudo({} as never)],
    ['escudo.addres', () => escudo({ contract, addres: 1 } as never)],
    ['escudo.methods', () => escudo({ contract, methods: 1 } as never)],
    ['handler.handle', () => escudo({ contract }).handler(undefined as never)],
    ['handler.rout', () => escudo({ contract }).handler(() => undefined, { rout: '/' } as never)],
  ])('rejects an invalid %s', (path, make) => {
    expect(make).toThrow(path)
  })
})

describe('a route of web standards', () => {
  const User = z.object({ nombre: z.string() })
  const createUser = route({ body: User, bodyLimit: 100 }, (_request, { body }) => Response.json(body, { status: 201 }))
  const post = async (body: string | Uint8Array | ReadableStream | undefined, type: string | undefined) => {
    const { fetch } = start((request) => createUser(request))
    const headers = type === undefined ? {} : { 'content-type': type }
    const response = await fetch(
      potion({ method: 'POST', headers, body: body as never, duplex: 'half' } as RequestInit),
    )
    return [response.status, codeOf(await response.text())]
  }
  const JSON_TYPE = 'application/json'
  const chunks = (...parts: readonly string[]): ReadableStream =>
    new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
        controller.close()
      },
    })

  it.each([
    ['a valid body', '{"nombre":"Ana"}', JSON_TYPE, 201, undefined],
    ['a body in parts', chunks('{"nombre"', ':"Ana"}'), JSON_TYPE, 201, undefined],
    ['another type', '{"nombre":5}', JSON_TYPE, 422, 'VALIDATION_ERROR'],
    ['malformed JSON', '{', JSON_TYPE, 400, 'MALFORMED_JSON'],
    ['no body', undefined, undefined, 400, 'MALFORMED_JSON'],
    ['an empty body', '', JSON_TYPE, 400, 'MALFORMED_JSON'],
    ['bytes that are not UTF-8', new Uint8Array([0xff, 0xfe]), JSON_TYPE, 400, 'MALFORMED_JSON'],
    ['__proto__', '{"__proto__":{},"nombre":"Ana"}', JSON_TYPE, 400, 'MALFORMED_JSON'],
    ['text', '{"nombre":"Ana"}', 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a body over the limit', `{"nombre":"${'x'.repeat(100)}"}`, JSON_TYPE, 413, 'PAYLOAD_TOO_LARGE'],
    ['parts over the limit', chunks('{"nombre":"', 'x'.repeat(100), '"}'), JSON_TYPE, 413, 'PAYLOAD_TOO_LARGE'],
  ])('answers %s', async (_, body, type, status, code) => {
    expect(await post(body, type)).toEqual([status, code])
  })

  it('validates the query, with a list for a name that occurs several times', async () => {
    const schema = z.object({ tag: z.array(z.string()), page: z.string() })
    const list = route({ query: schema }, (_request, { query }) => Response.json(query))
    const { fetch } = start((request) => list(request))
    const response = await fetch(new Request('http://shop/potion?tag=a&tag=b&page=1'))
    expect(await response.json()).toEqual({ tag: ['a', 'b'], page: '1' })
  })

  it('rejects an invalid declaration', () => {
    expect(() => route({ boddy: User } as never, () => new Response())).toThrow('route.boddy')
    expect(() => route({ bodyLimit: 0 }, () => new Response())).toThrow('route.bodyLimit')
    expect(() => route({ body: 5 } as never, () => new Response())).toThrow('route.body')
    expect(() => route({}, undefined as never)).toThrow('route.handler')
  })
})
