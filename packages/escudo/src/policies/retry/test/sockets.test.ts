import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bulkhead, constant, retry, shield, timeout } from '../../../index.ts'

// A body that is not read holds its socket. The server here never ends the body of a failure.
describe('with real sockets', () => {
  /** The sockets of responses that have not ended. (The agent of fetch may keep idle sockets too.) */
  const busy = new Set<Socket>()
  let failures = 0
  let slowMs = 0
  const server = createServer(({ socket }, response) => {
    busy.add(socket)
    response.on('close', () => busy.delete(socket))
    const fails = failures > 0
    failures -= 1
    setTimeout(() => {
      response.writeHead(fails ? 503 : 200)
      if (fails) response.write('x'.repeat(1_000_000))
      else response.end('ok')
    }, slowMs)
  })
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

  beforeEach(async () => {
    slowMs = 0
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  })

  const settles = async (open: number): Promise<number> => {
    for (let tries = 0; busy.size > open && tries < 100; tries += 1) await delay(10)
    return busy.size
  }

  test('a retry closes the sockets of the responses that it rejects', async () => {
    failures = 5
    const get = shield(
      'inventory',
      retry<Response>({
        maxRetries: 5,
        backoff: constant(1),
        classify: (outcome) => (outcome.ok && outcome.value.status < 500 ? 'success' : 'failure'),
      }),
    )
    const response = await get.run(() => fetch(url()))
    expect(await response.text()).toBe('ok')
    expect(await settles(0)).toBe(0)
  })

  test('a response that arrives after its timeout is closed, though the operation ignores its signal', async () => {
    failures = 5
    slowMs = 60
    const get = shield('inventory', timeout('20ms'), bulkhead({ limit: 5 }))
    const answers = Array.from({ length: 5 }, () => get.run(() => fetch(url())).catch((error) => error.code))
    expect(await Promise.all(answers)).toEqual(Array(5).fill('TIMEOUT'))
    while (get.status().policies[1]?.['inUse'] !== 0) await delay(5)
    expect(await settles(0)).toBe(0)
  })
})
