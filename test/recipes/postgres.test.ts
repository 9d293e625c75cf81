// PostgreSQL of Debian, killed and started again under load.
import { constant, isRefusal, retry, shield } from 'escudo'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { retryIdempotent } from '../../examples/recipes/src/fault.ts'
import { connectPostgres, type Postgres } from '../../examples/recipes/src/postgres.ts'
import { postgresFault } from '../../examples/recipes/src/postgres-fault.ts'
import { INSTALL_MS_MAX } from '../helpers/debian.ts'
import { lossyProxy } from './helpers/lossy-proxy.ts'
import { Load } from './helpers/outage-record.ts'
import { postgresServer } from './helpers/postgres-server.ts'

const INSERT = 'INSERT INTO orders (id) VALUES ($1)'
const INSERT_ONCE = 'INSERT INTO keyed_orders (id) VALUES ($1) ON CONFLICT (id) DO NOTHING'

const server = await postgresServer()
const url = (port: number): string => `postgres://postgres@127.0.0.1:${port}/postgres`

describe.skipIf(server === undefined)('PostgreSQL', () => {
  let db: Postgres
  const query = (text: string, values: unknown[] = []) => db.pool.query(text, values)

  beforeAll(async () => {
    db = connectPostgres(url(server?.port ?? 0))
    await server?.ready(() => db.pool.query('SELECT 1'))
    await query('CREATE TABLE orders (id text NOT NULL)') // no key: a second INSERT makes a second row
    await query('CREATE TABLE keyed_orders (id text PRIMARY KEY)')
    await query('CREATE TABLE stock (id int PRIMARY KEY, amount int CHECK (amount >= 0))')
    await query('INSERT INTO stock VALUES (1, 10), (2, 10)')
  }, INSTALL_MS_MAX)
  afterAll(async () => {
    await db.pool.end()
    await server?.remove()
  })

  test.each([
    ['22P02', `SELECT 'x'::int`, 'caller'],
    ['22012', 'SELECT 1 / 0', 'caller'],
    ['23505', 'INSERT INTO stock VALUES (1, 1)', 'caller'],
    ['23514', 'UPDATE stock SET amount = -1 WHERE id = 1', 'caller'],
    ['42601', 'SELEC 1', 'caller'],
    ['42P01', 'SELECT * FROM missing', 'caller'],
    ['21000', 'SELECT (SELECT id FROM stock)', 'caller'],
    ['P0001', `DO $$ BEGIN RAISE EXCEPTION 'sold out'; END $$`, 'caller'],
    ['57014', `SET statement_timeout = 20; SELECT pg_sleep(5)`, 'never'],
    ['25006', 'BEGIN READ ONLY; DELETE FROM stock', 'never'],
    ['0A000', 'SELECT 1 UNION SELECT 2 FOR UPDATE', 'never'],
  ])('judges %s as the recipe says', async (code, text, fault) => {
    const client = await db.pool.connect()
    const error = await client.query(text).catch((reason) => reason)
    client.release(true) // the settings and the open transaction of the session end with it
    expect([error.code, postgresFault(error)]).toEqual([code, fault])
  })

  test('judges a wrong database as never to be retried, and a lost session as unknown', async () => {
    const wrong = connectPostgres(`postgres://postgres@127.0.0.1:${server?.port}/missing`)
    expect(postgresFault(await wrong.pool.query('SELECT 1').catch((reason) => reason))).toBe('never')
    await wrong.pool.end()
    const kill = query('SELECT pg_terminate_backend(pg_backend_pid())').catch((reason) => reason)
    expect(await kill).toMatchObject({ code: '57P01' })
    expect(postgresFault(await kill)).toBe('unknown')
  })

  test('judges a full pool and a broken or closed client as transient: nothing was sent', async () => {
    const full = connectPostgres(url(server?.port ?? 0))
    const taken = await Promise.all(Array.from({ length: 8 }, () => full.pool.connect()))
    const waited = await full.pool.query('SELECT 1').catch((reason) => reason)
    expect([waited.message, postgresFault(waited)]).toEqual(['timeout exceeded when trying to connect', 'transient'])

    const [broken, closed] = taken
    broken?.on('error', () => {})
    const unfinished = broken?.query('SELECT pg_terminate_backend(pg_backend_pid())').catch((reason) => reason)
    expect(postgresFault(await unfinished)).toBe('unknown')
    await new Promise((resolve) => broken?.once('end', resolve))
    const unsent = await broken?.query('SELECT 1').catch((reason) => reason)
    expect([unsent.message, postgresFault(unsent)]).toEqual([expect.stringContaining('not queryable'), 'transient'])
    closed?.release(true)
    const late = await closed?.query('SELECT 1').catch((reason) => reason)
    expect([late.message, postgresFault(late)]).toEqual([expect.stringContaining('not queryable'), 'transient'])
    for (const client of taken) if (client !== closed) client.release(true)
    await full.pool.end()
  })

  test('retries a deadlock and a serialization failure, since both are rolled back', async () => {
    const move = (from: number, to: number) =>
      db.once.run(async () => {
        const client = await db.pool.connect()
        try {
          await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE')
          await client.query('SET LOCAL deadlock_timeout = 50')
          await client.query('UPDATE stock SET amount = amount - 1 WHERE id = $1', [from])
          await client.query('SELECT pg_sleep(0.1)')
          await client.query('UPDATE stock SET amount = amount + 1 WHERE id = $1', [to])
          await client.query('COMMIT')
        } catch (error) {
          await client.query('ROLLBACK')
          throw error
        } finally {
          client.release()
        }
      })
    const codes: unknown[] = []
    const unsubscribe = db.once.on('retry', ({ error }) => codes.push((error as { code?: unknown }).code))
    await Promise.all([move(1, 2), move(2, 1)])
    unsubscribe()
    expect(codes.length).toBeGreaterThan(0)
    for (const code of codes) expect(['40001', '40P01']).toContain(code)
    expect((await query('SELECT amount FROM stock ORDER BY id')).rows).toEqual([{ amount: 10 }, { amount: 10 }])
  })

  test('does not retry an INSERT whose answer was lost, and retries one with a key', async () => {
    const proxy = await lossyProxy(server?.port ?? 0)
    const lossy = connectPostgres(url(proxy.port))
    const count = async (table: string, id: string): Promise<unknown> =>
      (await query(`SELECT count(*)::int AS rows FROM ${table} WHERE id = $1`, [id])).rows[0].rows

    proxy.loseAnswer('INSERT 0 1')
    let attempts = 0
    const failure = lossy.once.run(() => {
      attempts += 1
      return lossy.pool.query(INSERT, ['plain'])
    })
    expect(postgresFault(await failure.catch((reason) => reason))).toBe('unknown')
    expect([attempts, await count('orders', 'plain')]).toEqual([1, 1])

    proxy.loseAnswer('INSERT 0 1')
    attempts = 0
    await lossy.idempotent.run(() => {
      attempts += 1
      return lossy.pool.query(INSERT_ONCE, ['keyed'])
    })
    expect([attempts, await count('keyed_orders', 'keyed')]).toEqual([2, 1])

    // The counter-example: the wrong classifier inserts the order twice.
    const wrong = shield('wrong', retry({ backoff: constant(1), classify: retryIdempotent(postgresFault) }))
    proxy.loseAnswer('INSERT 0 1')
    await wrong.run(() => lossy.pool.query(INSERT, ['twice']))
    expect(await count('orders', 'twice')).toBe(2)
    await lossy.pool.end()
    await proxy.close()
  })

  test('retries an INSERT that could not be sent, until the server accepts connections', async () => {
    await server?.kill()
    const restarted = connectPostgres(url(server?.port ?? 0))
    const faults: string[] = []
    restarted.once.on('retry', ({ error }) => {
      faults.push(postgresFault(error))
      if (faults.length === 1) server?.start()
    })
    const insert = () => restarted.once.run(() => restarted.pool.query(INSERT, ['late']))
    await server?.ready(insert)
    expect(new Set(faults)).toEqual(new Set(['transient']))
    expect((await query(`SELECT id FROM orders WHERE id = 'late'`)).rowCount).toBe(1)
    await restarted.pool.end()
  })

  test('opens and closes the circuit over a crash, and executes no INSERT twice', { timeout: 30_000 }, async () => {
    const states: string[] = []
    db.once.on('stateChange', ({ to }) => states.push(to))
    db.idempotent.on('stateChange', ({ to }) => states.push(to))
    const plain = new Load(postgresFault)
    const keyed = new Load(postgresFault)
    plain.add(5, db.once, (id) => query(INSERT, [id]))
    // Surely running when the server is killed.
    plain.add(1, db.once, (id) => query('INSERT INTO orders SELECT $1::text FROM pg_sleep(1)', [id]))
    keyed.add(6, db.idempotent, (id) => query(INSERT_ONCE, [id]))
    const until = (holds: () => boolean) => server?.ready(async () => holds() || Promise.reject(new Error('not yet')))

    await until(() => plain.calls.length > 200)
    await server?.kill()
    // Open, and open again after a probe that could not connect.
    await until(() => states.includes('half-open') && states.lastIndexOf('open') > states.indexOf('half-open'))
    const refused = await db.once.run(() => query('SELECT 1')).catch((reason) => reason)
    expect(isRefusal(refused)).toBe(true)
    server?.start()
    await until(() => states.at(-1) === 'closed')
    const recovered = plain.calls.length
    await until(() => plain.calls.length > recovered + 200)
    await Promise.all([plain.stop(), keyed.stop()])

    expect([...plain.unclassified, ...keyed.unclassified]).toEqual([])
    // The crash hit queries that were on their way, and calls that could not connect.
    const faults = [...plain.calls, ...keyed.calls].flatMap((call) => call.faults)
    expect(new Set(faults)).toEqual(new Set(['transient', 'unknown']))
    // After an attempt that may have been executed, there is none.
    for (const { faults, attempts } of plain.calls) {
      const first = faults.indexOf('unknown')
      if (first >= 0) expect(attempts).toBe(first + 1)
    }
    for (const [table, load] of [
      ['orders', plain],
      ['keyed_orders', keyed],
    ] as const) {
      const { rows } = await query(`SELECT id, count(*)::int AS rows FROM ${table} GROUP BY id`)
      const stored = new Map(rows.map(({ id, rows: found }) => [id, found]))
      for (const { id, succeeded } of load.calls) {
        expect(stored.get(id) ?? 0).toBeLessThanOrEqual(1)
        if (succeeded) expect(stored.get(id)).toBe(1)
      }
    }
    expect(db.once.status().policies.find(({ type }) => type === 'circuitBreaker')).toMatchObject({ state: 'closed' })
  })
})
