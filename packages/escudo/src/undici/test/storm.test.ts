import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { storm, stormShield } from '../../http/test/storm.ts'
import { hedge } from '../../policies/hedge/hedge.ts'
import { resilientRequest } from '../index.ts'

test('ends each of 10,000 calls against mixed faults once, typed, and without leaks', {
  // Ten seconds on an idle machine.
  timeout: 300_000,
}, async () => {
  const guarded = stormShield(hedge({ after: 100 }))
  const dispatcher = new Agent({ connections: 60 })
  await storm({
    calls: 10_000,
    concurrent: 100,
    rules: [
      { match: { rate: 0.15 }, fault: { status: 503 } },
      { match: { rate: 0.05 }, fault: { status: 500, body: 'truncated' } },
      { match: { rate: 0.1 }, fault: { status: 404 } },
      { match: { rate: 0.05 }, fault: { error: 'reset' } },
      { match: { rate: 0.05 }, fault: { body: 'truncated' } },
      { match: { rate: 0.01 }, fault: { body: 'stall' } },
      { match: { rate: 0.01 }, fault: { error: 'timeout' } },
      { match: { rate: 0.05 }, fault: { latencyMs: 10, jitterMs: 10 } },
    ],
    guarded,
    client: (baseUrl) => {
      const options = { name: 'storm', baseUrl, shield: guarded, dispatcher }
      const clients = [resilientRequest({ ...options, errors: 'throw' }), resilientRequest(options)] as const
      return async ({ index, path, length, method, signal, random }) => {
        const send = clients[index % 2] as (typeof clients)[0]
        const { statusCode, body } = await send(path, { signal: random() < 0.5 ? signal : null, method })
        const end = random()
        if (end < 0.1) body.on('error', () => {}).destroy()
        else if (end < 0.2) await body.dump()
        else if (statusCode === 200) expect(await body.text()).toHaveLength(length)
        else await body.text()
      }
    },
    close: () => dispatcher.close(),
  })
})
