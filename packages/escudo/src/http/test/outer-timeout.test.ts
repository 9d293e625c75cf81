import { expect, test, vi } from 'vitest'
import { attemptsOf, constant, retry, shield, timeout } from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { serve } from './setup.ts'

test('retries an outer operation whose timeout expires while the body stalls', async () => {
  let requests = 0
  let responses = 0
  // Sends the headers and half a body, then nothing.
  const baseUrl = await serve((_request, response) => {
    requests += 1
    response.writeHead(200, { 'content-length': '10' })
    response.write('half!')
  })
  const get = resilientFetch({ name: 'flaky', baseUrl, shield: false, errors: 'throw' })
  const clock = virtualClock()
  const outer = shield({ name: 'flaky', clock }, retry({ maxRetries: 2, backoff: constant('1s') }), timeout('2s'))

  const outcome = outer
    .run(async ({ signal }) => {
      const response = await get('/', { signal })
      responses += 1
      return await response.text()
    })
    .catch((error) => error)
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    // The timeout expires after the headers, while the body is read.
    await vi.waitUntil(() => responses === attempt, { interval: 1 })
    await clock.advance('3s')
  }
  expect(attemptsOf(await outcome)).toHaveLength(3)
  expect(requests).toBe(3)
  expect(clock.pending).toBe(0)
})
