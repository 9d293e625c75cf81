import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { contractOptions, escudo } from '../../fastify.ts'
import { Errors, expectContract, send, serverOfEachTest, url } from './setup.ts'

const start = serverOfEachTest()

describe('the life of a server', () => {
  test('while it closes, open connections get SHUTTING_DOWN in the contract’s form', async () => {
    const shop = await start((app) => {
      app.get('/', async () => 'ok')
      app.addHook('preClose', async () => {
        const response = await fetch(url(shop, '/'))
        expect(response.status).toBe(503)
        expect(await response.json()).toMatchObject({ error_code: 'SHUTTING_DOWN' })
      })
    })
    await shop.app.close()
    await shop.told('http.request', 1)
    const [failure] = await shop.told('http_error', 1)
    expect(failure).toMatchObject({ log_level: 'warning' })
  })

  test('a request that does not arrive within its time is given up soon after, and not at Node’s next look in 30 s', async () => {
    const shop = await start(
      (app) => {
        app.post('/', async () => 'ok')
      },
      { requestTimeoutMs: 400 },
    )
    const begunMs = performance.now()
    const [answer] = await send(
      shop.port,
      'POST / HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
    )
    expectContract(answer, 408, 'REQUEST_TIMEOUT')
    expect(performance.now() - begunMs).toBeLessThan(4_000)
  })

  test('simulated requests (app.inject) keep the contract too', async () => {
    const contract = createErrorContract({ service: 's', errors: Errors })
    const app = Fastify(contractOptions(contract))
    await app.register(escudo, { contract })
    app.get('/', async () => {
      throw new Error()
    })
    const answer = await app.inject('/')
    expect(answer.json()).toMatchObject({ error_code: 'INTERNAL_SERVER_ERROR', trace_id: answer.headers['x-trace-id'] })
    expect((await app.inject('/nowhere')).json()).toMatchObject({ error_code: 'ROUTE_NOT_FOUND' })
    await app.close()
  })

  test('a logger that throws costs no client its answer', async () => {
    const throwing = (): never => {
      throw new Error('disk')
    }
    const logger = {
      level: 'info',
      trace: throwing,
      debug: throwing,
      info: () => {},
      warn: throwing,
      error: throwing,
      fatal: throwing,
      silent: throwing,
      child: () => logger,
    }
    const contract = createErrorContract({ service: 's', errors: Errors })
    const app = Fastify(contractOptions(contract, { logger: logger as never }))
    await app.register(escudo, { contract })
    app.get('/', async () => {
      throw new Error()
    })
    expect((await app.inject('/')).json()).toMatchObject({ error_code: 'INTERNAL_SERVER_ERROR', service_name: 's' })
    await app.close()
  })

  test('the plugin without a contract is refused', async () => {
    const app = Fastify()
    await expect(app.register(escudo, {} as never).ready()).rejects.toThrow(TypeError)
  })
})
