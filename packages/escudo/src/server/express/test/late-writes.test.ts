import { describe, expect, it } from 'vitest'
import { get, serverPerTest } from './setup.ts'

const start = serverPerTest()

describe('a handler that writes after the end of its response', () => {
  it.each([
    ['a second end', 'end'],
    ['a write', 'write'],
  ] as const)('does not end the process: %s is logged once, and the answer stays', async (_, method) => {
    const { url, waitFor, lines } = await start((app) => {
      app.get('/', (_request, response) => {
        response.end('potion')
        response[method]('more')
        response[method]('more')
      })
    })
    const { status, text } = await get(`${url}/`)
    expect([status, text]).toEqual([200, 'potion'])
    expect(await waitFor('http_error')).toMatchObject([{ error_message: 'write after end', log_level: 'error' }])
    await waitFor('http.request')
    expect(lines.map(({ event }) => event).toSorted()).toEqual(['http.request', 'http_error'])
  })
})

describe('a handler that destroys its response', () => {
  it('with an error, before the headers: the error is logged', async () => {
    const { url, waitFor } = await start((app) => {
      app.get('/', (_request, response) => void response.destroy(new Error('the file is broken')))
    })
    await expect(get(`${url}/`)).rejects.toThrow()
    expect(await waitFor('http_error')).toMatchObject([{ error_message: 'the file is broken' }])
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 500 }])
  })

  it('without an error: 499, and no error', async () => {
    const { url, waitFor, lines } = await start((app) => {
      app.get('/', (_request, response) => void response.destroy())
    })
    await expect(get(`${url}/`)).rejects.toThrow()
    expect(await waitFor('http.request')).toMatchObject([{ status_code: 499 }])
    expect(lines).toHaveLength(1)
  })
})
