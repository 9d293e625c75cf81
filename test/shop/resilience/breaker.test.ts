import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readLog } from '../helpers/logs.ts'
import { ask, setFault } from '../helpers/requests.ts'
import { openServices } from '../helpers/services.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.6: one circuit breaker through a complete open period. Each test starts in the state that the previous one left.

let system: Target
let openedAt = 0

beforeAll(async () => {
  system = await openServices(['potion-shop', 'flaky-service'])
  await setFault(system, 'flaky-service', { rate: 0 })
})
afterAll(cleanUp)

const call = () => ask(system, 'potion-shop', '/call-external')
const status = async () => (await ask(system, 'potion-shop', '/breaker-status')).json

test('4.6a, 4.6c: a call succeeds and the circuit is closed', async () => {
  const answer = await call()
  expect([answer.status, answer.json]).toEqual([200, { status: 'ok', data: { message: 'Todo OK' } }])
  expect(await status()).toEqual({ state: 'CLOSED', failures: 0 })
})

test.each([
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['429', { status: 429 }],
  ['404', { status: 404 }],
  ['a truncated body', { body: 'truncated' }],
  ['a stalled body', { body: 'stall' }],
])('4.6a: answers 502 on %s of the service, and one failure opens nothing', async (_name, fault) => {
  await setFault(system, 'flaky-service', fault)
  const failed = await call()
  await setFault(system, 'flaky-service', { rate: 0 })
  expect([failed.status, failed.json.error_code]).toEqual([502, 'UPSTREAM_ERROR'])
  expect(failed.ms).toBeLessThan(2_500)
  expect((await call()).status).toBe(200)
})

test('4.6b: stays closed after two failures and a success; only consecutive failures count', async () => {
  await setFault(system, 'flaky-service', { status: 500 })
  await call()
  await call()
  expect(await status()).toEqual({ state: 'CLOSED', failures: 2 })
  await setFault(system, 'flaky-service', { rate: 0 })
  await call()
  expect(await status()).toEqual({ state: 'CLOSED', failures: 0 })
})

test('4.6b: three consecutive failures of any kind answer 502 and open the circuit', async () => {
  for (const fault of [{ error: 'reset' }, { body: 'corrupt' }, { latency_ms: 5_000 }]) {
    await setFault(system, 'flaky-service', fault)
    const answer = await call()
    expect([answer.status, answer.json.error_code]).toEqual([502, 'UPSTREAM_ERROR'])
    expect(answer.ms).toBeLessThan(2_500)
  }
  openedAt = performance.now()
  expect(await status()).toEqual({ state: 'OPEN', failures: 3 })
})

test('4.6a: an open circuit answers 503 immediately with Retry-After and calls nothing', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, call))
  for (const answer of answers) {
    expect(answer.status).toBe(503)
    expect(answer.json).toMatchObject({
      error_code: 'CIRCUIT_OPEN',
      message: 'Servicio no disponible (Circuito Abierto).',
    })
    const retryAfter = Number(answer.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThanOrEqual(1)
    expect(retryAfter).toBeLessThanOrEqual(10)
    expect(answer.ms).toBeLessThan(1_000)
  }
  const traces = new Set(answers.map((answer) => answer.json.trace_id))
  const seen = await readLog(system, 'flaky-service')
  expect(seen.some((line) => traces.has(String(line['trace_id'])))).toBe(false)
})

async function expectHalfOpenInTime(): Promise<void> {
  await delay(Math.max(0, openedAt + 9_200 - performance.now()))
  expect(await status()).toEqual({ state: 'OPEN', failures: 3 })
  await delay(Math.max(0, openedAt + 10_200 - performance.now()))
  expect(await status()).toEqual({ state: 'HALF_OPEN', failures: 3 })
}

test('4.6b: the status is half-open after ten seconds, without any call', expectHalfOpenInTime)

test('4.6b: a failed probe opens the circuit for ten more seconds', async () => {
  await setFault(system, 'flaky-service', { status: 500 })
  const probe = await call()
  openedAt = performance.now()
  expect([probe.status, probe.json.error_code]).toEqual([502, 'UPSTREAM_ERROR'])
  const refused = await call()
  expect([refused.status, refused.json.error_code]).toEqual([503, 'CIRCUIT_OPEN'])
  await expectHalfOpenInTime()
})

test('4.6b: of ten concurrent calls one is the probe, and its success closes the circuit', async () => {
  await setFault(system, 'flaky-service', { latency_ms: 300 })
  const answers = await Promise.all(Array.from({ length: 10 }, call))
  expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 503)])
  expect(await status()).toEqual({ state: 'CLOSED', failures: 0 })
})

test('4.6b: logs each state change at warning', async () => {
  const lines = (await readLog(system, 'potion-shop')).filter(
    (line) => line['event'] === 'circuit_breaker.state_change',
  )
  expect(lines.map((line) => [line['log_level'], line['shield'], line['from'], line['to']])).toEqual([
    ['warning', 'external', 'closed', 'open'],
    ['warning', 'external', 'open', 'half-open'],
    ['warning', 'external', 'half-open', 'open'],
    ['warning', 'external', 'open', 'half-open'],
    ['warning', 'external', 'half-open', 'closed'],
  ])
})
