import type { AddressInfo } from 'node:net'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo, idempotency } from 'escudo/fastify'
import { fleet } from 'escudo/redis'
import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { LIBRARIES } from './helpers/clients.ts'
import { redisForTests } from './helpers/fixture.ts'
import { until } from './helpers/redis.ts'

const redis = redisForTests()

describe.each(LIBRARIES)('idempotency keys of a fleet over $name', ({ connect }) => {
  async function instance(handle: () => Promise<string>) {
    const { client, close } = await connect(redis.server)
    const store = fleet({ client, timeout: '2s' }).store({ name: 'idempotency' })
    const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
    const app = Fastify({ ...contractOptions(contract), forceCloseConnections: true })
    await app.register(escudo, { contract })
    await app.register(idempotency({ scope: () => 'ana', store, ttl: '1h' }))
    app.post('/orders', async (_request, reply) => reply.code(201).send(await handle()))
    await app.listen({ port: 0, host: '127.0.0.1' })
    redis.closing.push(() => {
      close()
      return app.close()
    })
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/orders`
    const post = async (key = 'a') => {
      const response = await fetch(url, { method: 'POST', headers: { 'idempotency-key': key } })
      return {
        status: response.status,
        text: await response.text(),
        isReplayed: response.headers.has('idempotency-replayed'),
      }
    }
    return { post, disconnect: close }
  }

  test('one of two instances runs, the other replays, and every key has a time to live', async () => {
    let runs = 0
    const handle = async (): Promise<string> => {
      runs += 1
      await new Promise((resolve) => setTimeout(resolve, 30))
      return `order ${runs}`
    }
    const [one, other] = [await instance(handle), await instance(handle)]
    const both = await Promise.all([one.post(), other.post()])
    expect([runs, both.map(({ status }) => status).sort()]).toEqual([1, [201, 409]])
    await until(async () => (await other.post()).status === 201, 'the answer is stored')
    for (const { post } of [one, other]) {
      expect(await post()).toEqual({ status: 201, text: 'order 1', isReplayed: true })
    }
    await until(async () => (await redis.admin.keys('*:lock')).length === 0, 'locks are released')
    const keys = await redis.admin.keys('*')
    expect(keys).toHaveLength(1)
    expect(await redis.admin.pttl(keys[0] as string)).toBeGreaterThan(3_500_000)
  })

  test('after a crash during the run the next request runs when the record has ended', async () => {
    let isHung = true
    const handle = (): Promise<string> => (isHung ? new Promise(() => {}) : Promise.resolve('done'))
    const [dead, alive] = [await instance(handle), await instance(handle)]
    void dead.post().catch(() => {})
    await until(async () => (await redis.admin.keys('*:idempotency')).length === 1, 'the first one runs')
    const [key = ''] = await redis.admin.keys('*:idempotency')
    isHung = false
    expect((await alive.post()).status).toBe(409)
    dead.disconnect()
    const left = await redis.admin.pttl(key)
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(30_000)
    // In place of waiting for it.
    await redis.admin.pexpire(key, 1)
    await until(async () => (await alive.post()).text === 'done', 'the next one runs')
  })
})
