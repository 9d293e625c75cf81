import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { contractOptions, escudo } from '../../fastify.ts'
import { Errors, expectContract, send, serverPerTest, url } from './setup.ts'

const start = serverPerTest()

describe('the lifecycle of a server', () => {
  test('answers SHUTTING_DOWN on open connections while it closes', async () => {
    const shop = await start((app) => {
      app.get('/', async () => 'ok')
      app.addHook('preClose', async () => {
        const response = await fetch(url(shop, '/'))
        expect(response.status).toBe(503)
        expect(await response.json()).toMatchObject({ error_code: 'SHUTTING_DOWN' })
      })
    })
    await shop.app.close()
    await shop.waitForLines('http.request', 1)
    const [failure] = await shop.waitForLines('http_error', 1)
    expect(failure).toMatchObject({ log_level: 'warning' })
  })

  test('answers 408 soon after the request timeout, not at Node’s next check in 30 s', async () => {
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

  test('answers simulated requests (app.inject) in the contract’s form', async () => {
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

  test('answers the client even if the logger throws', async () => {
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

  test('throws a TypeError for the plugin without a contract', async () => {
    const app = Fastify()
    await expect(app.register(escudo, {} as never).ready()).rejects.toThrow(TypeError)
  })
})
