import { createRequire } from 'node:module'
import type * as HonoModule from 'hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type * as ExceptionModule from 'hono/http-exception'
import { describe, expect, it } from 'vitest'
import { defineErrors } from '../../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../../errors/contract/contract.ts'
import { keptLines } from '../../test/kept-lines.ts'
import { escudo } from '../adapter.ts'

const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
const codeOf = async (response: Response): Promise<unknown> => JSON.parse(await response.text()).error_code
const require = createRequire(import.meta.url)

describe('an app whose Hono was loaded with require', () => {
  it('has the pattern of its route, its errors and its statuses', async () => {
    const hono = require('hono') as typeof HonoModule
    const { HTTPException } = require('hono/http-exception') as typeof ExceptionModule
    // The test is about two builds.
    expect(hono.Hono).not.toBe(Hono)
    const { lines, logger } = keptLines()
    const app = new hono.Hono()
    escudo(app as unknown as Hono, { contract, logger })
    app.get('/items/:id', (c) => c.text('potion'))
    app.get('/teapot', () => {
      throw new HTTPException(418, { message: 'teapot' })
    })
    const statuses: number[] = []
    for (const path of ['/items/1', '/teapot', '/nope']) {
      const response = await app.request(path)
      await response.text()
      statuses.push(response.status)
    }
    expect(statuses).toEqual([200, 418, 404])
    const requests = lines.filter(({ event }) => event === 'http.request')
    expect(requests.map((line) => line['route'])).toEqual(['/items/:id', '/teapot', null])
  })
})

describe('the bodyLimit of Hono', () => {
  it('is answered with the code that other frameworks have', async () => {
    const app = new Hono()
    escudo(app, { contract })
    app.post('/', bodyLimit({ maxSize: 3 }), async (c) => c.text(await c.req.text()))
    const response = await app.request('/', { method: 'POST', body: 'potion', headers: { 'content-length': '6' } })
    expect([response.status, await codeOf(response)]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  })
})
