import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { attemptsOf, constant, retry, shield, timeout } from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

test('a body that stalls under a timeout further out is a failed attempt like any other: the retry outside begins anew', async () => {
  let requests = 0
  let answers = 0
  // Sends the headers and half a body, and then nothing.
  server = createServer((_request, response) => {
    requests += 1
    response.writeHead(200, { 'content-length': '10' })
    response.write('half!')
  })
  await new Promise<void>((ready) => server?.listen(0, '127.0.0.1', ready))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const get = resilientFetch({ name: 'flaky', baseUrl, shield: false, errors: 'throw' })
  const clock = virtualClock()
  const outer = shield({ name: 'flaky', clock }, retry({ maxRetries: 2, backoff: constant('1s') }), timeout('2s'))

  const answer = outer
    .run(async ({ signal }) => {
      const response = await get('/', { signal })
      answers += 1
      return await response.text()
    })
    .catch((error) => error)
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    // The headers have come, and the body is being read, when the time runs out.
    await vi.waitUntil(() => answers === attempt, { interval: 1 })
    await clock.advance('3s')
  }
  expect(attemptsOf(await answer)).toHaveLength(3)
  expect(requests).toBe(3)
  expect(clock.pending).toBe(0)
})
