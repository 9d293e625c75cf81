import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { dashboardRoutes, ServiceLog } from '../../fastify.ts'
import { CLIENTS_MAX } from '../../server/stream.ts'
import { authorize, fetchFrom, OPS, openStream, type Service, startService } from './setup.ts'

let service: Service
afterEach(() => service?.app.close())

const PATHS = ['/ops/', '/ops/page.js', '/ops/api/summary', '/ops/api/health', '/ops/api/stream', '/ops/nothing']

describe('a dashboard in a service', () => {
  it('is refused without a guard, without lines, and with an unknown option', () => {
    const lines = new ServiceLog()
    expect(() => dashboardRoutes({ lines } as never)).toThrow(/authorize: expected a function.*needs a guard/)
    expect(() => dashboardRoutes({ lines, authorize: true } as never)).toThrow(/authorize/)
    expect(() => dashboardRoutes({ authorize } as never)).toThrow('dashboardRoutes.lines: expected a ServiceLog')
    expect(() => dashboardRoutes({ lines, authorize, host: [] } as never)).toThrow('unknown option host')
    expect(() => dashboardRoutes({ lines, authorize, hosts: ['a:80'] })).toThrow('expected a name without a port')
    expect(() => new ServiceLog({ keptBytes: 1 })).toThrow('at least 65536')
    expect(() => new ServiceLog({ slo: 'all' })).toThrow('ServiceLog.slo')
  })

  it('lets in only requests that the guard lets in', async () => {
    service = await startService()
    for (const path of PATHS) {
      for (const method of ['GET', 'HEAD']) {
        expect((await service.get(path, {}, method)).status, path).toBe(401)
        expect((await service.get(path, { 'x-token': 'user' }, method)).status, path).toBe(403)
      }
    }
    expect((await service.get('/ops', {})).status).toBe(401)
    expect((await service.get('/ops/', OPS)).body).toContain('./page.js')
    expect((await service.get('/ops/page.js', OPS)).headers['content-type']).toMatch('text/javascript')
    expect((await service.get('/ops/nothing', OPS)).status).toBe(404)
    expect((await service.get('/ops/', OPS, 'POST')).status).toBe(405)
  })

  it.each([
    ['true', true],
    ['null', null],
    ['an actor without a name', { actor: '' }],
  ])('stays closed if the guard returns %s', async (_, value) => {
    service = await startService(['/ops'], { authorize: () => value as never })
    expect((await service.get('/ops/', OPS)).status).toBe(500)
  })

  it('shows the lines of the service, and finds those of a trace', async () => {
    service = await startService()
    const broken = await service.get('/broken')
    await service.get('/potions')
    const summary = await service.summary(2)
    expect(summary).toMatchObject({ server_errors: 1, by_service: { shop: { requests: 2 } } })
    const id = broken.headers['x-trace-id']
    const trace = JSON.parse((await service.get(`/ops/api/traces/${id}`, OPS)).body)
    expect(trace.lines.map(({ event }: { event: string }) => event)).toEqual(['http_error', 'http.request'])
  })

  it('does not count requests for itself, however they end', async () => {
    service = await startService()
    await service.get('/ops')
    await service.get('/ops/api/summary?from=2026', OPS)
    await service.get('/ops/', { 'x-token': 'user' })
    const stream = await openStream(service.port, '/ops/api/stream')
    expect(stream.first).toContain('event: snapshot')
    await service.get('/opsgenie')
    await service.get('/potions')
    expect(await service.summary(2)).toMatchObject({ client_errors: 1 })
  })

  it.each(['', '/'])(
    'counts the requests of the service at the root of a server, with the prefix %j',
    async (prefix) => {
      service = await startService([prefix])
      const { get } = service
      for (let count = 0; count < 3; count += 1) await get('/broken')
      const failed = async () => JSON.parse((await get('/api/summary', OPS)).body).server_errors
      await expect.poll(failed).toBe(3)
    },
  )

  it('answers only the names of its hosts', async () => {
    service = await startService(['/ops'], { hosts: ['Ops.example.com'] })
    const get = async (host: string) => (await service.get('/ops/', { ...OPS, host })).status
    const known = ['ops.example.com', 'OPS.EXAMPLE.COM.:8443', 'localhost', `127.0.0.1:${service.port}`, '[::1]']
    expect(await Promise.all(known.map(get))).toEqual(known.map(() => 200))
    const unknown = ['evil.example', 'ops.example.com.evil.example', '127.0.0.1.evil.example', 'xops.example.com']
    expect(await Promise.all(unknown.map(get))).toEqual(unknown.map(() => 403))
  })

  it('has its security headers in every answer, and the trace id of the service', async () => {
    service = await startService()
    for (const path of PATHS) {
      for (const method of path.endsWith('stream') ? ['HEAD'] : ['GET', 'HEAD']) {
        const { headers, body } = await service.get(path, OPS, method)
        expect(headers['content-security-policy'], path).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
        expect(headers).toMatchObject({
          'cache-control': 'no-store',
          'cross-origin-resource-policy': 'same-origin',
          'x-content-type-options': 'nosniff',
          'x-trace-id': expect.stringMatching(/^[0-9a-f]{32}$/),
        })
        if (method === 'HEAD') expect(body).toBe('')
      }
    }
  })

  it('works behind a proxy that serves it below another path', async () => {
    service = await startService(['/ops/dash'])
    const { port } = service
    const proxy = createServer(({ url = '/', headers, method }, response) => {
      const path = url.replace(/^\/shop/, '')
      request({ port, host: '127.0.0.1', path, headers, method }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      }).end()
    }).listen(0, '127.0.0.1')
    try {
      await new Promise((resolve) => proxy.once('listening', resolve))
      const { port: outside } = proxy.address() as AddressInfo
      const base = `http://localhost:${outside}`
      const moved = await fetchFrom(outside, '/shop/ops/dash?lang=en', OPS)
      expect(moved.status).toBe(307)
      const page = new URL(moved.headers.location ?? '', `${base}/shop/ops/dash?lang=en`)
      expect(page.href).toBe(`${base}/shop/ops/dash/?lang=en`)
      const html = (await fetchFrom(outside, page.pathname, OPS)).body
      const paths = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => new URL(path, page).pathname)
      expect(paths).toContain('/shop/ops/dash/page.js')
      for (const path of paths) expect((await fetchFrom(outside, path, OPS)).status, path).toBe(200)
    } finally {
      proxy.close()
    }
  })

  it('can be mounted twice, and below a path with a parameter', async () => {
    service = await startService(['/ops', '/teams/:team/dash'])
    await service.get('/potions')
    await service.summary(1)
    const other = await service.get('/teams/a/dash/api/summary', OPS)
    expect(JSON.parse(other.body)).toMatchObject({ by_service: { shop: {} } })
    expect((await service.get('/teams/a/dash', OPS)).headers.location).toBe('./dash/')
  })

  it('serves a bounded number of pages, and ends them when the service closes', async () => {
    service = await startService()
    const streams = await Promise.all(
      Array.from({ length: CLIENTS_MAX }, () => openStream(service.port, '/ops/api/stream')),
    )
    expect(streams.every(({ first }) => first.includes('event: snapshot'))).toBe(true)
    expect((await openStream(service.port, '/ops/api/stream')).first).toContain('event: full')
    // It would wait for them otherwise.
    await service.app.close()
    await Promise.all(streams.map(({ ended }) => ended))
  })
})
