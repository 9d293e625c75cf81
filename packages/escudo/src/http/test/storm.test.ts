import { expect, test } from 'vitest'
import { resilientFetch } from '../resilient-fetch.ts'
import { storm, stormShield } from './storm.ts'

test('ends each of 1,000 calls against mixed faults once, typed, and without leaks', async () => {
  const guarded = stormShield()
  await storm({
    calls: 1_000,
    concurrent: 1_000,
    rules: [
      { match: { rate: 0.15 }, fault: { status: 503 } },
      { match: { rate: 0.1 }, fault: { status: 500, body: 'truncated' } },
      { match: { rate: 0.1 }, fault: { status: 404 } },
      { match: { rate: 0.1 }, fault: { error: 'reset' } },
      { match: { rate: 0.1 }, fault: { body: 'truncated' } },
      { match: { rate: 0.05 }, fault: { body: 'stall' } },
      { match: { rate: 0.05 }, fault: { error: 'timeout' } },
      { match: { rate: 0.1 }, fault: { latencyMs: 20, jitterMs: 20 } },
    ],
    guarded,
    client: (baseUrl) => {
      const options = { name: 'storm', baseUrl, shield: guarded }
      const clients = [resilientFetch({ ...options, errors: 'throw' }), resilientFetch(options)] as const
      return async ({ index, path, length, method, signal, random }) => {
        const response = await (clients[index % 2] as typeof fetch)(path, { signal, method })
        if (random() < 0.1) await response.body?.cancel()
        else if (response.ok) expect(await response.text()).toHaveLength(length)
        else await response.text()
      }
    },
  })
})
