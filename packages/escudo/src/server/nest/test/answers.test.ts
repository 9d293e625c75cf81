import { Readable } from 'node:stream'
import {
  BadRequestException,
  type CanActivate,
  Catch,
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  InternalServerErrorException,
  type MiddlewareConsumer,
  NotFoundException,
  Post,
  ServiceUnavailableException,
  StreamableFile,
  UnauthorizedException,
  UseFilters,
  UseGuards,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD } from '@nestjs/core'
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler'
import { describe, expect, it } from 'vitest'
import { contextHeaders } from '../../../core/context/with-context.ts'
import { appPerTest, ask, decorate, Errors, PLATFORMS, post } from './setup.ts'

/** A controller with one route, `GET /route`. */
function throwing(make: () => unknown, ...decorators: readonly MethodDecorator[]) {
  class Routes {
    route() {
      throw make()
    }
  }
  Controller()(Routes)
  decorate(Routes, 'route', [Get('route'), ...decorators])
  return Routes
}

const withFields = () => new BadRequestException({ message: 'Two potions at most.', stock: 7, statusCode: 200 })

describe.each(PLATFORMS)('Nest on %s', (platform) => {
  const start = appPerTest()

  it.each([
    ['an error of the catalogue', () => new Errors.SOLD_OUT(), 409, 'SOLD_OUT', 'Sold out.'],
    ['an exception with text', () => new NotFoundException('No such potion.'), 404, 'NOT_FOUND', 'No such potion.'],
    ['an exception without text', () => new UnauthorizedException(), 401, 'UNAUTHORIZED', 'Unauthorized'],
    ['an exception with fields', withFields, 400, 'BAD_REQUEST', 'Two potions at most.'],
    ['an exception with a list', () => new BadRequestException(['a', 'b']), 400, 'BAD_REQUEST', 'a; b'],
    ['an exception with fields only', () => new ForbiddenException({ secret: 1 }), 403, 'FORBIDDEN', 'Forbidden'],
    ['a 5xx', () => new ServiceUnavailableException('db-1 is down'), 503, 'SERVICE_UNAVAILABLE', 'Service Unavailable'],
  ])('answers %s with its status and code', async (_, make, status, code, message) => {
    const { url } = await start(platform, { module: { controllers: [throwing(make)] } })
    const answer = await ask(`${url}/route`)
    expect(answer).toMatchObject({ status, code, message })
    expect(answer.body['context']).toEqual({})
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it.each([
    ['a bug', () => new TypeError('secret')],
    ['null', () => null],
    ['an error with a status', () => Object.assign(new Error('secret'), { status: 401, statusCode: 401 })],
    ['a 500 of Nest', () => new InternalServerErrorException('secret')],
    ['an exception whose status is no error', () => new HttpException('secret', 302)],
    [
      'an exception that throws on reading',
      () =>
        Object.assign(new BadRequestException(), {
          getStatus: () => {
            throw 1
          },
        }),
    ],
  ])('answers %s as a bug, and logs it once', async (_, make) => {
    const { url, waitFor } = await start(platform, { module: { controllers: [throwing(make)] } })
    const answer = await ask(`${url}/route`)
    expect(answer).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(answer.text).not.toContain('secret')
    await waitFor('http.request')
    expect(await waitFor('http_error')).toEqual([expect.objectContaining({ log_level: 'error', route: '/route' })])
  })

  it('answers an unknown route with 404 and a known one with another method with 405', async () => {
    class Routes {
      add() {}
    }
    Controller('items')(Routes)
    decorate(Routes, 'add', [Post(':id')])
    const { url, waitFor } = await start(platform, { module: { controllers: [Routes] } })
    expect(await ask(`${url}/nothing?q=1`)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
    const answer = await ask(`${url}/items/1`)
    expect(answer).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
    expect(answer.headers.get('allow')).toBe('POST')
    expect(await ask(`${url}/items/%zz`)).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    expect((await waitFor('http.request')).map(({ route }) => route)).toEqual([null, null, null])
  })

  it('runs guards, middleware and handlers in the context, and answers their errors', async () => {
    const seen: unknown[] = []
    const note = () => seen.push(contextHeaders()['traceparent']?.slice(3, 35))
    const guard: CanActivate = {
      canActivate: () => {
        note()
        return false
      },
    }
    const { url } = await start(platform, {
      module: {
        controllers: [throwing(() => new Error(), UseGuards(guard))],
        configure: (consumer: MiddlewareConsumer) => {
          consumer
            .apply((request: { url: string }, _response: unknown, next: () => void) => {
              note()
              if (request.url.includes('full')) throw new Errors.SOLD_OUT()
              next()
            })
            .forRoutes('route')
        },
      },
    })
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    expect(await ask(`${url}/route`, { headers: { traceparent } })).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    expect(seen).toEqual(['a'.repeat(32), 'a'.repeat(32)])
    const answer = await ask(`${url}/route?full`, { headers: { traceparent } })
    expect(answer).toMatchObject({ status: 409, code: 'SOLD_OUT' })
    expect(answer.headers.get('x-trace-id')).toBe('a'.repeat(32))
  })

  it('leaves an error to a filter of the method, of the root module, or of main.ts', async () => {
    const filterFor = (name: string) => {
      class Filter {
        catch(_error: unknown, host: { getArgs(): [unknown, { status(code: number): { send(text: string): void } }] }) {
          host.getArgs()[1].status(418).send(name)
        }
      }
      Catch(Errors.SOLD_OUT)(Filter)
      return new Filter()
    }
    const soldOut = () => new Errors.SOLD_OUT()
    const method = await start(platform, {
      module: { controllers: [throwing(soldOut, UseFilters(filterFor('method')))] },
    })
    expect(await ask(`${method.url}/route`)).toMatchObject({ status: 418, text: 'method' })
    const passing = {
      catch: (error: unknown) => {
        throw error
      },
    }
    const again = await start(platform, { module: { controllers: [throwing(soldOut, UseFilters(passing))] } })
    expect(await ask(`${again.url}/route`)).toMatchObject({ status: 409, code: 'SOLD_OUT' })
    const providers = [{ provide: APP_FILTER, useValue: filterFor('root') }]
    const root = await start(platform, { module: { controllers: [throwing(soldOut)], providers } })
    expect(await ask(`${root.url}/route`)).toMatchObject({ status: 418, text: 'root' })
    const main = await start(platform, {
      module: { controllers: [throwing(soldOut)] },
      main: (app) => app.useGlobalFilters(filterFor('main')),
    })
    expect(await ask(`${main.url}/route`)).toMatchObject({ status: 418, text: 'main' })
    expect(await ask(`${main.url}/nothing`)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
  })

  it('answers errors of the body parsers of Nest without a part of the body', async () => {
    class Routes {
      add() {}
    }
    Controller()(Routes)
    decorate(Routes, 'add', [Post('items')])
    const { url } = await start(platform, { module: { controllers: [Routes] } })
    const malformed = await ask(`${url}/items`, post('{"password":"geheim" geheim'))
    expect(malformed).toMatchObject({ status: 400, code: 'MALFORMED_JSON' })
    expect(malformed.text).not.toContain('geheim')
    const large = await ask(`${url}/items`, post(`"${'x'.repeat(2_000_000)}"`))
    expect(large).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
  })

  it('answers a stream that fails before its first part, and closes the connection after it', async () => {
    class Routes {
      broken() {
        return new StreamableFile(
          new Readable({
            read() {
              this.destroy(new Error('/secret/path'))
            },
          }),
        )
      }
    }
    Controller()(Routes)
    decorate(Routes, 'broken', [Get('broken')])
    const { url, waitFor } = await start(platform, { module: { controllers: [Routes] } })
    const answer = await ask(`${url}/broken`)
    expect(answer).toMatchObject({ status: 500, code: 'INTERNAL_SERVER_ERROR' })
    expect(answer.text).not.toContain('secret')
    expect(await waitFor('http_error')).toHaveLength(1)
  })

  it('answers a request that the throttler refuses, with its headers', async () => {
    const { url } = await start(platform, {
      module: {
        imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 1 }])],
        providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
        controllers: [throwing(() => new Errors.SOLD_OUT())],
      },
    })
    expect((await ask(`${url}/route`)).status).toBe(409)
    const answer = await ask(`${url}/route`)
    expect(answer).toMatchObject({ status: 429, code: 'RATE_LIMITED' })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('keeps the headers of CORS on an error', async () => {
    const { url } = await start(platform, {
      module: { controllers: [throwing(() => new Errors.SOLD_OUT())] },
      main: (app) => app.enableCors({ origin: 'https://shop.example' }),
    })
    for (const path of ['route', 'nothing']) {
      const { headers } = await ask(`${url}/${path}`, { headers: { origin: 'https://shop.example' } })
      expect(headers.get('access-control-allow-origin')).toBe('https://shop.example')
    }
  })
})
