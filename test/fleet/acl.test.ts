import { readFileSync } from 'node:fs'
import { bulkhead, circuitBreaker, rateLimiter, shield } from 'escudo'
import { fleet } from 'escudo/redis'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { redisForTests } from './helpers/fixture.ts'

const redis = redisForTests()

test('the commands that the documentation lists are enough', async () => {
  const { server, admin } = redis
  const text = readFileSync(new URL('../../docs/fleet.md', import.meta.url), 'utf8')
  const [, user = ''] = /ACL (SETUSER shop .*)/.exec(text) ?? []
  await admin.call('ACL', ...user.split(' '), '+info', '+ping', '+client', '+hello', '+select')
  const client = new Redis({ port: server.port, username: 'shop', password: 'password' })
  const shared = fleet({ client, prefix: 'shop', timeout: '1s' })
  const mail = shield('mail', rateLimiter({ limit: 100, per: '1s', maxWait: '1s', shared }), circuitBreaker({ shared }))
  const exact = shield('exact', rateLimiter({ limit: 100, per: '1s', shared, exact: true, onLoss: 'closed' }))
  const reports = shield('reports', bulkhead({ limit: 10, shared, exact: true }))
  expect(await reports.run(() => 'read')).toBe('read')
  expect(await mail.run(() => 'sent')).toBe('sent')
  expect(await exact.run(() => 'sent')).toBe('sent')
  await shared.isolate('mail')
  await shared.reset('mail')
  const { connected, circuits } = await shared.status()
  expect([connected, circuits.length]).toEqual([true, 1])
  await shared.close()
  expect(await admin.call('ACL', 'LOG', '10')).toEqual([])
  client.disconnect()
})
