import { trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { constant } from '../../index.ts'
import { retry } from '../../policies/retry/retry.ts'
import { startTraces } from '../../telemetry/test/traces/setup.ts'
import { LogShipper } from '../index.ts'
import { startEngine } from './engine.ts'

test('makes no span for what it sends, in no trace, also after a retry', async () => {
  const sdk = startTraces()
  const engine = await startEngine()
  const shipper = new LogShipper({
    url: engine.url,
    flushInterval: 5,
    shield: shield('log-engine', retry({ maxRetries: 50, backoff: constant(5) })),
  })
  engine.answer = 503
  await trace.getTracer('shop').startActiveSpan('report', async (span) => {
    shipper.write('{"event":"tick"}\n')
    await expect.poll(() => engine.received.length).toBeGreaterThan(2)
    engine.answer = 200
    expect(await shipper.flush()).toBe(true)
    span.end()
  })
  expect(sdk.spans().map(({ name }) => name)).toEqual(['report'])
  for (const { headers } of engine.received) expect(headers).not.toHaveProperty('traceparent')
})
