import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { Controller, Get } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import { contextHeaders } from '../../../core/context/with-context.ts'
import { EscudoModule } from '../module.ts'
import { appPerTest, ask, contract, decorate, PLATFORMS } from './setup.ts'

describe('EscudoModule.forRoot', () => {
  it.each([
    [{}, 'EscudoModule.forRoot.contract'],
    [{ contract, loger: {} }, 'loger'],
    [{ contract, logger: {} }, 'EscudoModule.forRoot.logger'],
    [{ contract, bodyLimit: 0.5 }, 'EscudoModule.forRoot.bodyLimit'],
    [{ contract, inboundDeadline: 5 }, 'EscudoModule.forRoot.inboundDeadline'],
  ])('refuses %j', (options, message) => {
    expect(() => EscudoModule.forRoot(options as never)).toThrow(message)
  })
})

describe.each(PLATFORMS)('an application on %s', (platform) => {
  const start = appPerTest()

  it('answers bytes that are not HTTP, and a request with two hosts', async () => {
    const { url, waitFor } = await start(platform, { module: {} })
    expect(await exchangeBytes(url, 'hello\r\n\r\n')).toContain('"error_code":"BAD_REQUEST"')
    expect(await exchangeBytes(url, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n')).toContain(
      'BAD_REQUEST',
    )
    expect(await waitFor('http.request')).toHaveLength(2)
  })

  it('answers every unknown route, inside and outside a global prefix', async () => {
    const { url } = await start(platform, { module: {}, main: (app) => app.setGlobalPrefix('api') })
    for (const path of ['nothing', 'api/nothing', 'apinothing', '']) {
      expect(await ask(`${url}/${path}`)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
      expect(await ask(`${url}/${path}`, { method: 'POST' })).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
    }
  })

  it('answers a request that arrives while it closes with 503, after the one before', async () => {
    let release = (): void => {}
    const isHeld = new Promise<void>((resolve) => {
      release = resolve
    })
    class Routes {
      async slow() {
        await isHeld
        return 'done'
      }
    }
    Controller()(Routes)
    decorate(Routes, 'slow', [Get('slow')])
    const { app, url } = await start(platform, { module: { controllers: [Routes] } })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    const server = app.getHttpServer()
    await once(server, 'request')
    const closed = app.close()
    await expect.poll(() => server.listening).toBe(false)
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(server, 'request')
    release()
    await once(socket, 'close')
    await closed
    expect(text).toMatch(/^HTTP\/1\.1 200 OK.*done.*HTTP\/1\.1 503 .*"error_code":"SHUTTING_DOWN"/s)
  })
})

describe('middleware on Express', () => {
  const start = appPerTest()

  it('may answer and then continue: nothing is logged as an error', async () => {
    const { url, lines, waitFor } = await start('express', {
      module: {},
      main: (app) => {
        app.use((_request: unknown, response: { end(text: string): void }, next: () => void) => {
          response.end('answered')
          next()
        })
        app.setGlobalPrefix('api')
      },
    })
    expect((await ask(`${url}/outside`)).text).toBe('answered')
    await waitFor('http.request')
    expect(lines.map(({ event }) => event)).toEqual(['http.request'])
  })
})

describe('another server on Express', () => {
  const start = appPerTest()

  it('is answered as that of Nest', async () => {
    class Routes {
      trace() {
        return contextHeaders()['traceparent']?.slice(3, 35)
      }
    }
    Controller()(Routes)
    decorate(Routes, 'trace', [Get('trace')])
    const { app, lines } = await start('express', { module: { controllers: [Routes] } })
    const other = createServer(app.getHttpAdapter().getInstance()).listen(0, '127.0.0.1')
    try {
      await once(other, 'listening')
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
      const answer = await ask(`${url}/trace`)
      expect(answer.text).toBe(answer.headers.get('x-trace-id'))
      expect(await ask(`${url}/nothing`)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
      expect(await ask(`${url}/%zz`)).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
      const events = lines.filter(({ event }) => event === 'http.request')
      expect(events.map(({ route }) => route)).toEqual(['/trace', null, null])
      expect(await exchangeBytes(url, 'hello\r\n\r\n')).toContain('"error_code":"BAD_REQUEST"')
    } finally {
      other.close()
      other.closeAllConnections()
    }
  })

  it('does not count as closing if it gets its connections from another one', async () => {
    const { app } = await start('express', { module: {} })
    const inner = createServer(app.getHttpAdapter().getInstance())
    const outer = createTcpServer((socket) => void inner.emit('connection', socket)).listen(0, '127.0.0.1')
    try {
      await once(outer, 'listening')
      const url = `http://127.0.0.1:${(outer.address() as AddressInfo).port}/nothing`
      const answer = await ask(url, { headers: { connection: 'close' } })
      expect(answer).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
    } finally {
      outer.close()
      inner.closeAllConnections()
    }
  })
})

describe('a simulated request on Fastify', () => {
  const start = appPerTest()

  it('is answered as a real one', async () => {
    const { app } = await start('fastify', { module: {} })
    const { inject } = app.getHttpAdapter().getInstance() as {
      inject(path: string): Promise<{ statusCode: number; headers: object; json(): object }>
    }
    const response = await inject('/nothing')
    expect(response.json()).toMatchObject({ error_code: 'ROUTE_NOT_FOUND' })
    expect(response.headers).toMatchObject({ 'x-trace-id': expect.stringMatching(/^[0-9a-f]{32}$/) })
  })
})

/** Sends bytes, and returns what the server sends until it closes the connection. */
async function exchangeBytes(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.write(bytes)
  await once(socket, 'close')
  return text
}
