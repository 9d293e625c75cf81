import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectPostgres, type Postgres } from '../../examples/recipes/src/postgres.ts'
import { withLock } from '../../examples/recipes/src/postgres-lock.ts'
import { INSTALL_MS_MAX } from '../helpers/debian.ts'
import { postgresServer } from './helpers/postgres-server.ts'

const server = await postgresServer()

describe.skipIf(server === undefined)('a lock in PostgreSQL', () => {
  let one: Postgres['pool']
  let other: Postgres['pool']
  const { signal } = new AbortController()
  beforeAll(async () => {
    const connectionString = `postgres://postgres@127.0.0.1:${server?.port}/postgres`
    one = connectPostgres(connectionString).pool
    other = connectPostgres(connectionString).pool
    await server?.ready(() => one.query('SELECT 1'))
  }, INSTALL_MS_MAX)
  afterAll(async () => {
    await Promise.all([one.end(), other.end()])
    await server?.remove()
  })

  test('is held by one instance at a time, and is free after success and failure', async () => {
    const held = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const first = withLock(one, 'report', signal, async () => {
      started.resolve()
      await held.promise
      return 'done'
    })
    await started.promise
    const run = (name: string) => withLock(other, name, signal, async () => 'ran')
    expect(await run('report')).toEqual({ locked: false })
    expect(await run('another job')).toEqual({ locked: true, value: 'ran' })
    held.resolve()
    expect(await first).toEqual({ locked: true, value: 'done' })

    expect(await run('report')).toEqual({ locked: true, value: 'ran' })
    await expect(withLock(one, 'report', signal, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    expect(await run('report')).toEqual({ locked: true, value: 'ran' })
    // The connections went back to their pools.
    expect([one.totalCount, one.idleCount, other.totalCount]).toEqual([1, 1, 1])
  })

  test('aborts the work when its connection is lost, because another instance can take it', async () => {
    const lost = withLock(one, 'import', signal, async (own) => {
      const { rows } = await other.query('SELECT pid FROM pg_locks WHERE locktype = $1', ['advisory'])
      await other.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
      if (!own.aborted) await new Promise((resolve) => own.addEventListener('abort', resolve))
      throw own.reason
    })
    await expect(lost).rejects.toThrow("the lock 'import' was lost")
    await server?.ready(async () => (await withLock(other, 'import', signal, async () => 1)).locked || Promise.reject())
  })
})
