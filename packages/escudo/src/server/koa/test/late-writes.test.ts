import { describe, expect, it } from 'vitest'
import { get, serverPerTest } from './setup.ts'

const start = serverPerTest()

describe("a handler that writes after the end of Node's response", () => {
  it.each(['end', 'write'] as const)('does not end the process: a second %s is logged once', async (method) => {
    const { url, waitFor, lines } = await start((router) => {
      router.get('/', (ctx) => {
        ctx.respond = false
        ctx.res.statusCode = 200
        ctx.res.end('potion')
        ctx.res[method]('more')
        ctx.res[method]('more')
      })
    })
    const { status, text } = await get(`${url}/`)
    expect([status, text]).toEqual([200, 'potion'])
    expect(await waitFor('http_error')).toMatchObject([{ error_message: 'write after end', log_level: 'error' }])
    await waitFor('http.request')
    expect(lines.map(({ event }) => event).toSorted()).toEqual(['http.request', 'http_error'])
  })
})
