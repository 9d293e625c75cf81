// A long result of PostgreSQL, whose server is killed in the middle.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pieces } from '../../examples/recipes/src/pieces.ts'
import { connectPostgres, type Postgres } from '../../examples/recipes/src/postgres.ts'
import { INSTALL_MS_MAX } from '../helpers/debian.ts'
import { postgresServer } from './helpers/postgres-server.ts'

const ROWS = 5_000
const PAGE = 250
const server = await postgresServer()

describe.skipIf(server === undefined)('a result in pieces', () => {
  let db: Postgres
  beforeAll(async () => {
    db = connectPostgres(`postgres://postgres@127.0.0.1:${server?.port}/postgres`)
    await server?.ready(() => db.pool.query('SELECT 1'))
    await db.pool.query(`CREATE TABLE items AS SELECT generate_series(1, ${ROWS}) * 2 AS id`)
  }, INSTALL_MS_MAX)
  afterAll(async () => {
    await db.pool.end()
    await server?.remove()
  })

  test('contains each row once, although the server crashed between and during pieces', async () => {
    let failures = 0
    db.idempotent.on('retry', () => {
      failures += 1
    })
    const readPage = async (after: number) => {
      // Slow, so that the crash hits a query.
      const query = 'SELECT id FROM items, pg_sleep(0.01) WHERE id > $1 ORDER BY id LIMIT $2'
      const { rows } = await db.pool.query<{ id: number }>(query, [after, PAGE])
      return { value: rows.map(({ id }) => id), next: rows.length === PAGE ? rows.at(-1)?.id : undefined }
    }
    const ids: number[] = []
    const outage = { done: Promise.resolve() }
    const crash = async () => {
      await server?.kill()
      server?.start()
    }
    // The shield gives up after a few attempts. The reader continues from its position, which is the same rule.
    const readUntilUp = async (after: number) => {
      let page: Awaited<ReturnType<typeof readPage>> | undefined
      await server?.ready(async () => {
        page = await db.idempotent.run(() => readPage(after))
      })
      return page as NonNullable<typeof page>
    }
    for await (const page of pieces(0, readUntilUp)) {
      ids.push(...page)
      if (ids.length === 5 * PAGE) await crash()
      if (ids.length === 10 * PAGE) outage.done = crash()
    }
    await outage.done
    expect(ids).toEqual(Array.from({ length: ROWS }, (_, index) => 2 * (index + 1)))
    expect(failures).toBeGreaterThan(0)
  })
})
