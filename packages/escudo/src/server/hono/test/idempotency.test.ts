import { type Context, Hono } from 'hono'
import { compress } from 'hono/compress'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { escudo, idempotency, route } from '../../hono.ts'

const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
const once = () => idempotency({ scope: (c) => c.req.header('x-user') ?? 'ana' })

function served(add: (app: Hono) => void) {
  const app = new Hono()
  escudo(app, { contract })
  add(app)
  return async (body = '{}', headers: Record<string, string> = {}) => {
    const json = { 'idempotency-key': 'a', 'content-type': 'application/json' }
    const response = await app.request('/orders', { method: 'POST', body, headers: { ...json, ...headers } })
    return {
      status: response.status,
      text: await response.text(),
      isReplayed: response.headers.get('idempotency-replayed') === 'true',
      headers: response.headers,
    }
  }
}

describe('idempotency keys on Hono', () => {
  it('let `route` and the handler read the body that was compared', async () => {
    const create = route({ body: z.object({ n: z.number() }) }, async (c, { body }) => {
      return c.json([body.n, await c.req.json()], 201)
    })
    const post = served((app) => app.post('/orders', once(), create))
    expect(await post('{"n":1}')).toMatchObject({ status: 201, text: '[1,{"n":1}]', isReplayed: false })
    expect(await post('{"n":1}')).toMatchObject({ status: 201, text: '[1,{"n":1}]', isReplayed: true })
    expect((await post('{"n":2}')).status).toBe(422)
  })

  it('accept a body that middleware has read before', async () => {
    const create = route({ body: z.object({ n: z.number() }) }, (c, { body }) => c.text(String(body.n)))
    const post = served((app) => {
      app.use(async (c, next) => {
        await c.req.json()
        await next()
      })
      app.post('/orders', once(), create)
    })
    expect((await post('{"n":1}')).text).toBe('1')
    expect((await post('{"n":1}')).isReplayed).toBe(true)
    expect((await post('{"n":2}')).status).toBe(422)
  })

  it('replay to a client that accepts no compression, with the headers of other middleware', async () => {
    const text = 'order '.repeat(500)
    const post = served((app) => {
      app.use(compress())
      app.use(async (c: Context, next) => {
        c.header('x-shop', 'potions')
        await next()
      })
      app.use(once())
      app.post('/orders', (c) => c.text(text))
    })
    const first = await post('{}', { 'accept-encoding': 'gzip' })
    expect(first.headers.get('content-encoding')).toBe('gzip')
    const second = await post('{}', { 'accept-encoding': 'identity' })
    expect([second.text, second.isReplayed, second.headers.get('x-shop')]).toEqual([text, true, 'potions'])
    expect(second.headers.has('content-encoding')).toBe(false)
  })

  it('run again after what is thrown and is no Error, and keep an unknown route', async () => {
    const handle = vi.fn((c: Context) => {
      if (handle.mock.calls.length === 1) throw null
      return c.text('well')
    })
    const post = served((app) => app.post('/orders', once(), handle))
    expect((await post()).status).toBe(500)
    expect((await post()).text).toBe('well')
    const missing = served((app) => app.use(once()))
    expect((await missing()).status).toBe(404)
    expect(await missing()).toMatchObject({ status: 404, isReplayed: true })
  })

  it('are a mistake in an app without escudo', async () => {
    const app = new Hono()
    const errors: unknown[] = []
    app.onError((error, c) => {
      errors.push(error.message)
      return c.text('', 500)
    })
    app.post('/orders', once(), (c) => c.text('run'))
    await app.request('/orders', { method: 'POST' })
    expect(errors).toEqual([expect.stringMatching(/^idempotency: /)])
  })
})
