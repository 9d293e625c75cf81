import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, ask, clearFault, posting, setFault } from '../helpers/requests.ts'
import { DEPENDENCIES } from '../helpers/restore.ts'
import { openServices } from '../helpers/services.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'
import { head, sendBytes } from '../helpers/wire.ts'

// The fault switch of each dependency service: every valid form, and the bodies that it rejects.

let all: Target

beforeAll(async () => {
  all = await openServices(DEPENDENCIES)
})
afterAll(cleanUp)

type Dependency = (typeof DEPENDENCIES)[number]

const PATHS: Readonly<Record<Dependency, string>> = {
  'flaky-service': '/slow/x?ms=0',
  'product-service': '/products/mana-potion',
  'inventory-service': '/inventory/mana-potion',
}

/** What a client sees of an answer: its status, whether its body is JSON, or why there is no complete answer. */
type Seen = 'closed' | 'stalled' | readonly [status: number, body: 'JSON' | 'other']

async function see(name: Dependency, withinMs: number): Promise<{ readonly seen: Seen; readonly ms: number }> {
  const started = performance.now()
  const seen = await ask(all, name, PATHS[name], { signal: AbortSignal.timeout(withinMs) }).then(
    ({ status, json }): Seen => [status, Object.keys(json).length > 0 ? 'JSON' : 'other'],
    (error: Error): Seen => (error.name === 'TimeoutError' ? 'stalled' : 'closed'),
  )
  return { seen, ms: performance.now() - started }
}

const FORMS: readonly (readonly [fault: Readonly<Record<string, unknown>>, seen: Seen, atLeastMs: number])[] = [
  [{ status: 503 }, [503, 'JSON'], 0],
  [{ status: 500, rate: 1 }, [500, 'JSON'], 0],
  [{ latency_ms: 400 }, [200, 'JSON'], 395],
  [{ latency_ms: 300, status: 500 }, [500, 'JSON'], 295],
  [{ error: 'reset' }, 'closed', 0],
  [{ body: 'corrupt' }, [200, 'other'], 0],
  [{ body: 'truncated' }, 'closed', 0],
  [{ body: 'stall' }, 'stalled', 695],
  [{ rate: 0 }, [200, 'JSON'], 0],
]

test.each(DEPENDENCIES.flatMap((name) => FORMS.map(([fault, ...wanted]) => [name, fault, ...wanted] as const)))(
  'fault: %s with %j; its readiness check is never hit',
  async (name, fault, wanted, atLeastMs) => {
    await setFault(all, name, fault)
    const { seen, ms } = await see(name, 700)
    const health = await ask(all, name, '/healthz')
    const shown = await ask(all, name, '/__faults')
    await clearFault(all, name)
    expect(seen).toEqual(wanted)
    expect(ms).toBeGreaterThanOrEqual(atLeastMs)
    expect(ms).toBeLessThan(1_500)
    expect([health.status, shown.status, shown.json]).toMatchObject([200, 200, fault])
    expect((await see(name, 5_000)).seen).toEqual([200, 'JSON'])
  },
)

test.each(DEPENDENCIES)('fault: %s: PUT replaces the fault, rate 0.5 hits half, DELETE clears it', async (name) => {
  await setFault(all, name, { latency_ms: 2_000, body: 'corrupt' })
  await setFault(all, name, { status: 503, rate: 0.5 })
  const answers: readonly Answer[] = await Promise.all(Array.from({ length: 200 }, () => ask(all, name, PATHS[name])))
  const hit = answers.filter(({ status }) => status === 503).length
  const good = answers.filter(({ status, json }) => status === 200 && Object.keys(json).length > 0).length
  expect(hit + good).toBe(200)
  // More than five standard deviations.
  expect(hit).toBeGreaterThanOrEqual(60)
  expect(hit).toBeLessThanOrEqual(140)
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(1_900)
  expect((await ask(all, name, '/__faults')).json).toEqual({ status: 503, rate: 0.5 })
  await clearFault(all, name)
  expect((await ask(all, name, PATHS[name])).status).toBe(200)
  expect((await ask(all, name, '/__faults')).text).not.toContain('503')
})

test.each(['/fake_service', '/unstable'])('fault: a fault turns the random failures of %s off', async (path) => {
  await setFault(all, 'flaky-service', { rate: 0 })
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(all, 'flaky-service', path)))
  await clearFault(all, 'flaky-service')
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
})

const INVALID: readonly unknown[] = [
  { status: 99 },
  { status: 1000 },
  { status: '503' },
  { status: 503.5 },
  { rate: 2 },
  { rate: -0.1 },
  { rate: '1', status: 503 },
  { latency_ms: -1 },
  { latency_ms: '5000' },
  { error: 'explode' },
  { body: 'melted' },
  { unknown: 1 },
  {},
  [],
  null,
  'status',
]

test.each(DEPENDENCIES)('fault: %s rejects an invalid fault and keeps the current one', async (name) => {
  await setFault(all, name, { status: 418, rate: 1 })
  const bodies = [...INVALID.map((body) => JSON.stringify(body)), '{"status":', '', `{"x":"${'x'.repeat(100_000)}"}`]
  for (const body of bodies) {
    const { status, headers } = await ask(all, name, '/__faults', { ...posting({}, 'PUT'), body })
    expect([body.slice(0, 40), [400, 413, 422].includes(status)]).toEqual([body.slice(0, 40), true])
    expect(headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
  }
  expect((await ask(all, name, '/__faults')).json).toMatchObject({ status: 418 })
  await clearFault(all, name)
})

test.each(DEPENDENCIES)('fault: %s rejects the Host of another site at its switch', async (name) => {
  const body = '{"status":503}'
  const request = head('PUT /__faults', 'Content-Type: application/json', `Content-Length: ${body.length}`)
  const [answer] = await sendBytes(all.ports[name], request.replace('Host: shop', 'Host: evil.example') + body)
  expect(answer?.status).toBeGreaterThanOrEqual(400)
  expect(answer?.status).toBeLessThan(500)
  expect((await ask(all, name, PATHS[name])).status).toBe(200)
})
