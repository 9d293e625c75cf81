import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { Context, Next } from 'koa'
import bodyParser from 'koa-bodyparser'
import { describe, expect, it } from 'vitest'
import { idempotency } from '../../koa.ts'
import { serverPerTest } from './setup.ts'

describe('idempotency keys on Koa', () => {
  const start = serverPerTest()
  const once = () => idempotency({ scope: (ctx) => ctx.get('authorization') || 'anonymous' })

  async function post(url: string, headers: Record<string, string> = {}, body = '{}') {
    const json = { 'content-type': 'application/json', 'idempotency-key': 'a' }
    const response = await fetch(url, { method: 'POST', headers: { ...json, ...headers }, body })
    const isReplayed = response.headers.get('idempotency-replayed') === 'true'
    return { status: response.status, text: await response.text(), isReplayed, headers: response.headers }
  }

  it('replays an object for a client that accepts no compression, inside a middleware that compresses', async () => {
    const compress = async (ctx: Context, next: Next) => {
      await next()
      if (!ctx.acceptsEncodings('gzip')) return
      ctx.set('content-encoding', 'gzip')
      ctx.body = gzipSync(JSON.stringify(ctx.body))
    }
    const { url } = await start((router, app) => {
      app.use(compress)
      router.post('/orders', once(), (ctx) => {
        ctx.status = 201
        ctx.body = { order: 7 }
      })
    })
    const first = await post(`${url}/orders`, { 'accept-encoding': 'gzip' })
    expect([first.status, first.text, first.headers.get('content-encoding')]).toEqual([201, '{"order":7}', 'gzip'])
    const second = await post(`${url}/orders`, { 'accept-encoding': 'identity' })
    expect([second.status, second.text, second.isReplayed]).toEqual([201, '{"order":7}', true])
    expect(second.headers.get('content-type')).toContain('application/json')
    expect(second.headers.has('content-encoding')).toBe(false)
  })

  it('compares what a body parser has read, and works before the router', async () => {
    let orders = 0
    const { url } = await start((router, app) => {
      app.use(bodyParser()).use(once())
      router.post('/orders', (ctx) => {
        orders += 1
        ctx.body = String(orders)
      })
    })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await post(`${url}/orders`, form, 'n=1')).text).toBe('1')
    expect((await post(`${url}/orders`, form, 'n=1')).isReplayed).toBe(true)
    expect((await post(`${url}/orders`, form, 'n=2')).status).toBe(422)
    expect(orders).toBe(1)
  })

  it('keeps a status without a body, and what a handler sends past Koa', async () => {
    const { url } = await start((router) => {
      router.post('/empty', once(), (ctx) => {
        ctx.body = null
        ctx.status = 404
      })
      router.post('/forbidden', once(), (ctx) => {
        ctx.status = 403
      })
      router.post('/raw', once(), (ctx) => {
        ctx.respond = false
        ctx.res.writeHead(202, { 'x-order': '7' }).end('raw')
      })
    })
    for (const [path, status, text] of [
      ['/empty', 404, ''],
      ['/forbidden', 403, 'FORBIDDEN'],
      ['/raw', 202, 'raw'],
    ] as const) {
      expect((await post(url + path, { 'idempotency-key': path })).status).toBe(status)
      const replayed = await post(url + path, { 'idempotency-key': path })
      expect([replayed.status, replayed.isReplayed]).toEqual([status, true])
      expect(replayed.text).toContain(text)
      if (text === '') expect(replayed.text).toBe('')
    }
  })

  it('runs again after a stream that failed before its first byte', async () => {
    let count = 0
    const { url } = await start((router) => {
      router.post('/orders', once(), (ctx) => {
        count += 1
        const isFirst = count === 1
        ctx.body = new Readable({
          read() {
            if (isFirst) this.destroy(new Error('lost'))
            else {
              this.push('done')
              this.push(null)
            }
          },
        })
      })
    })
    expect((await post(`${url}/orders`)).status).toBe(500)
    const second = await post(`${url}/orders`)
    expect([second.status, second.text, second.isReplayed]).toEqual([200, 'done', false])
    expect((await post(`${url}/orders`)).isReplayed).toBe(true)
  })

  it('answers a body that cannot be JSON as without a key, and keeps nothing', async () => {
    let count = 0
    const { url } = await start((router) => {
      router.post('/orders', once(), (ctx) => {
        count += 1
        ctx.body = count === 1 ? { big: 1n } : 'well'
      })
    })
    expect((await post(`${url}/orders`)).status).toBe(500)
    expect((await post(`${url}/orders`)).text).toBe('well')
  })
})
