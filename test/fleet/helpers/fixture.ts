import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type RedisServer, startRedis } from './redis.ts'

/** What the tests of a file share. */
export interface RedisFixture {
  readonly server: RedisServer
  /** A client for the test itself. */
  readonly admin: Redis
  /** What to close after the test, in this order. */
  readonly closing: (() => unknown)[]
}

/**
 * Starts a Redis for the tests of a file, and empties it before each. Where it is not installed, the tests are skipped.
 *
 * The fields exist from the first test on.
 */
export function redisForTests(): RedisFixture {
  const closing: (() => unknown)[] = []
  const fixture = { closing } as { -readonly [Field in keyof RedisFixture]: RedisFixture[Field] }
  beforeAll(async () => {
    const server = await startRedis()
    if (server === undefined) return
    fixture.server = server
    fixture.admin = server.client()
  })
  afterAll(async () => {
    fixture.admin?.disconnect()
    await fixture.server?.remove()
  })
  beforeEach(async (context) => {
    if (fixture.server === undefined) context.skip()
    else await fixture.admin.flushall()
  })
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  return fixture
}
