import { createReadStream } from 'node:fs'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { ambient } from '../../../core/context/ambient.ts'
import { get, serverPerTest } from './setup.ts'

const start = serverPerTest()

async function* parts(): AsyncGenerator<string> {
  yield `trace ${ambient()?.traceId}`
  await new Promise((resolve) => setTimeout(resolve, 10))
  throw new Error('torn')
}
const BROKEN: Readonly<Record<string, () => unknown>> = {
  'a Readable': () => Readable.from(parts()),
  'a ReadableStream': () => Readable.toWeb(Readable.from(parts())),
  'a Response': () => new Response(Readable.toWeb(Readable.from(parts())) as ReadableStream),
}

describe('streams', () => {
  it.each(Object.entries(BROKEN))('%s that fails after its first part closes the connection', async (_, make) => {
    const { url, lines, waitFor } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.body = make()
      })
    })
    const response = await fetch(url)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 500, error_code: 'INTERNAL_SERVER_ERROR' }])
    expect(lines.filter(({ event }) => event === 'http_error')).toMatchObject([{ error_type: 'Error' }])
    expect(lines.some(({ event }) => event === 'http_error_sending_failed')).toBe(false)
  })

  it.each([
    ['a file that does not exist', () => createReadStream('/nowhere/nothing')],
    ['a Readable that fails at once', () => Readable.from(failing())],
    ['a ReadableStream that fails at once', () => Readable.toWeb(Readable.from(failing()))],
    ['a destroyed stream', () => Readable.from(['x']).destroy()],
  ])('%s is answered with 500', async (_, make) => {
    const { url, lines, waitFor } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.body = make()
      })
    })
    expect(await get(url)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    await waitFor('http.request')
    expect(lines.filter(({ event }) => event === 'http_error')).toHaveLength(1)
  })

  async function* failing(): AsyncGenerator<string> {
    await Promise.resolve()
    yield Promise.reject(new Error('nothing to send'))
  }

  it('a stream that fails while middleware still runs does not end the process', async () => {
    const { url, waitFor, lines } = await start((router, app) => {
      app.use(async (_ctx, next) => {
        await next()
        await new Promise((resolve) => setTimeout(resolve, 30))
      })
      router.get('/', (ctx) => {
        ctx.body = createReadStream('/nowhere/nothing')
      })
    })
    expect(await get(url)).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(await waitFor('http_error')).toHaveLength(1)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(lines.map(({ event }) => event)).toEqual(['http_error', 'http.request'])
  })

  it('a stream that fails inside another one, as in a compression, is not waited for', async () => {
    const { url, waitFor } = await start((router, app) => {
      app.use(async (ctx, next) => {
        await next()
        ctx.body = (ctx.body as Readable).pipe(createGzip())
      })
      router.get('/', (ctx) => {
        ctx.body = Readable.from(failing())
      })
    })
    expect(await get(url, { signal: AbortSignal.timeout(3_000) })).toMatchObject({ status: 500 })
    expect(await waitFor('http_error')).toMatchObject([{ error_message: 'nothing to send' }])
  })

  it('a stream that another body has replaced may fail', async () => {
    const { url } = await start((router) => {
      router.get('/', (ctx) => {
        const replaced = new Readable({ read: () => {} })
        ctx.body = replaced
        ctx.body = 'whole'
        replaced.destroy(new Error('late'))
      })
    })
    expect(await get(url)).toMatchObject({ status: 200, text: 'whole' })
  })

  it('sends whole streams of all kinds, in the context of their request', async () => {
    const whole = async function* (): AsyncGenerator<string> {
      await Promise.resolve()
      yield String(ambient()?.traceId)
    }
    const { url } = await start((router) => {
      router.get('/readable', (ctx) => {
        ctx.body = Readable.from(whole())
      })
      router.get('/web', (ctx) => {
        ctx.body = Readable.toWeb(Readable.from(whole()))
      })
      router.get('/blob', (ctx) => {
        ctx.body = new Blob(['blob'], { type: 'text/plain' })
      })
      router.get('/response', (ctx) => {
        ctx.body = new Response('made', { status: 201, headers: { 'x-made': 'yes' } })
      })
      router.get('/empty', (ctx) => {
        ctx.body = new Response(null, { status: 202 })
      })
    })
    for (const path of ['/readable', '/web']) {
      const { text, response } = await get(url + path)
      expect(text).toBe(response.headers.get('x-trace-id'))
    }
    expect(await get(`${url}/blob`)).toMatchObject({ status: 200, text: 'blob' })
    const made = await get(`${url}/response`)
    expect([made.status, made.text, made.response.headers.get('x-made')]).toEqual([201, 'made', 'yes'])
    expect(await get(`${url}/empty`)).toMatchObject({ status: 202, text: '' })
    expect(await get(`${url}/readable`, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  })

  it('HEAD and 204 do not wait for a stream', async () => {
    const streams = [new Readable({ read: () => {} }), new Readable({ read: () => {} })]
    const { url } = await start((router) => {
      router.get('/head', (ctx) => {
        ctx.body = streams[0]
      })
      router.get('/empty', (ctx) => {
        ctx.body = streams[1]
        ctx.res.statusCode = 204
      })
    })
    const signal = AbortSignal.timeout(3_000)
    expect(await get(`${url}/head`, { method: 'HEAD', signal })).toMatchObject({ status: 200, text: '' })
    expect(await get(`${url}/empty`, { signal })).toMatchObject({ status: 204, text: '' })
    await vi.waitFor(() => expect(streams.every(({ destroyed }) => destroyed)).toBe(true))
  })

  it('a client that disconnects cancels a ReadableStream', async () => {
    const cancelled = vi.fn()
    const { port, waitFor } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.body = new ReadableStream({ start: (control) => control.enqueue('first'), cancel: cancelled })
      })
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 499 }])
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalled())
  })

  it('a client that disconnects destroys the stream, is logged as 499, and no listener is told', async () => {
    const told = vi.fn()
    const stream = new Readable({ read: () => {} })
    const { port, waitFor, lines } = await start((router, app) => {
      app.on('error', told)
      router.get('/', (ctx) => {
        ctx.body = stream
        stream.push('first')
      })
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 499 }])
    await vi.waitFor(() => expect(stream.destroyed).toBe(true))
    expect([told.mock.calls.length, lines.some(({ event }) => event === 'http_error')]).toEqual([0, false])
  })
})
