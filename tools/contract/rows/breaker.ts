import { setTimeout as delay } from 'node:timers/promises'
import { absent, inOrder, number, oneOf, that } from '../matching/pattern.ts'
import { LOGS_UNKNOWN } from '../shop/log-reader.ts'
import { ok, refused } from '../walk/expectation.ts'
import { exchange, type Row, scenario } from '../walk/row.ts'
import type { Walk } from '../walk/walk.ts'
import { get, post } from '../wire/request.ts'

// 4.6: a circuit breaker that opens after three consecutive failures and is half-open after ten seconds.

const OPEN_FOR_MS = 10_000
const IMMEDIATE_MS = 500
const ADMIN = { 'x-token': 'admin123' }

const call = get('/call-external')
const status = get('/breaker-status')
const FINE = ok({ status: 'ok', data: { message: 'Todo OK' } })
const FAILED = refused(502, 'UPSTREAM_ERROR')
const OPEN = refused(503, 'CIRCUIT_OPEN', 'Servicio no disponible (Circuito Abierto).', undefined, {
  withinMs: IMMEDIATE_MS,
  headers: { 'retry-after': that('whole seconds, 1 to 10', (got) => /^([1-9]|10)$/.test(String(got))) },
})
const stateIs = (state: string, failures: unknown) => ok(inOrder({ state, failures }))

const lane = { lane: '4.6' } as const

const failing = (name: string, fault: unknown, withinMs = 1_000): Row =>
  scenario(
    '4.6a',
    name,
    async (walk) => {
      await walk.fault('flaky', fault)
      const answer = await walk.ask(call, { ...FAILED, withinMs })
      // A success after each failure: three consecutive failures would open the breaker.
      await walk.fault('flaky', { rate: 0 })
      await walk.ask(call, FINE)
      // Judged last, so that the report shows this call.
      walk.judge(call, answer, { ...FAILED, withinMs })
    },
    { ...lane, uses: ['flaky'] },
  )

/** Checks that the breaker stays open for ten seconds and then becomes half-open without a call. */
async function halfOpensInTime(walk: Walk, openedAt: number): Promise<void> {
  await delay(Math.max(0, openedAt + OPEN_FOR_MS - 700 - performance.now()))
  await walk.ask(status, stateIs('OPEN', number(1)))
  await walk.until('the breaker is half-open after 10 s', 2_000, async () => {
    const { json } = await walk.send(status)
    return (json as { state?: unknown } | undefined)?.state === 'HALF_OPEN' ? true : undefined
  })
  const afterMs = Math.round(performance.now() - openedAt)
  walk.compare('ms until half-open', number(OPEN_FOR_MS - 300, OPEN_FOR_MS + 1_000), afterMs)
}

export const breaker: readonly Row[] = [
  scenario(
    '4.6a',
    'closed breaker: returns the answer of the service',
    async (walk) => {
      await walk.fault('flaky', { rate: 0 })
      await walk.ask(call, FINE)
    },
    { ...lane, uses: ['flaky'] },
  ),
  ...[500, 503, 429, 404].map((code) => failing(`returns 502 when the service answers ${code}`, { status: code })),
  failing('returns 502 when the connection is reset', { error: 'reset' }),
  failing('returns 502 when the answer is not valid JSON', { body: 'corrupt' }),
  failing('returns 502 when the body is truncated', { body: 'truncated' }),
  failing('returns 502 when the service does not answer within 2 s', { latency_ms: 5_000 }, 2_500),
  failing('returns 502 when the body stalls', { body: 'stall' }, 2_500),
  exchange(
    '4.6c',
    'breaker status: returns the state and the number of failures',
    status,
    ok(inOrder({ state: oneOf('CLOSED', 'OPEN', 'HALF_OPEN'), failures: number(0) })),
    lane,
  ),
  scenario(
    '4.6b',
    'opens after three failures; after 10 s one probe reopens or closes it',
    async (walk) => {
      const log = walk.target.logs.shop
      await log?.refresh()
      const linesBefore = log?.lines.length ?? 0
      let openedAt = 0
      await walk.holding(['flaky'], async () => {
        await walk.fault('flaky', { rate: 0 })
        await walk.ask(call, FINE)
        await walk.ask(status, stateIs('CLOSED', 0))
        await walk.fault('flaky', { status: 500 })
        for (const failures of [1, 2]) {
          await walk.ask(call, FAILED)
          await walk.ask(status, stateIs('CLOSED', failures))
        }
        await walk.ask(call, FAILED)
        openedAt = performance.now()
        await walk.ask(status, stateIs('OPEN', 3))
        const refusal = await walk.ask(call, OPEN)
        if (walk.target.logs.flaky !== undefined) {
          await delay(300)
          await walk.target.logs.flaky.refresh()
          const reached = walk.target.logs.flaky.ofTrace(refusal.headers['x-trace-id'] ?? '').length
          walk.compare('lines of the rejected call in the log of the flaky service', 0, reached)
        }
      })
      await halfOpensInTime(walk, openedAt)
      await walk.holding(['flaky'], async () => {
        await walk.fault('flaky', { status: 500 })
        await walk.ask(call, FAILED)
        openedAt = performance.now()
        await walk.ask(status, stateIs('OPEN', number(1)))
        await walk.ask(call, OPEN)
      })
      await halfOpensInTime(walk, openedAt)
      await walk.holding(['flaky'], async () => {
        // Slow, so that a second call arrives while the probe is running.
        await walk.fault('flaky', { latency_ms: 500 })
        const probe = walk.send(call)
        await delay(150)
        const second = await walk.send(call)
        walk.judge(call, second, { ...refused(503, 'CIRCUIT_OPEN'), shown: '503 CIRCUIT_OPEN during the probe' })
        walk.judge(call, await probe, FINE)
        await walk.ask(status, stateIs('CLOSED', 0))
      })
      await changesAreLogged(walk, linesBefore)
    },
    lane,
  ),
  scenario(
    '4.2h',
    'an admin isolates and resets the breaker of /call-external',
    async (walk) => {
      const { shield, policy } = await namesOf(walk)
      const act = (action: string) => post(`/admin/shields/${shield}/${policy}`, { action }, { headers: ADMIN })
      const done = { status: oneOf(200, 202, 204) }
      await walk.holding(['flaky'], async () => {
        await walk.fault('flaky', { rate: 0 })
        await walk.ask(act('isolate'), done)
        await walk.ask(status, stateIs('OPEN', number(0)))
        // No Retry-After: an isolated breaker stays open until an admin resets it.
        await walk.ask(call, refused(503, 'CIRCUIT_OPEN', undefined, undefined, { headers: { 'retry-after': absent } }))
        await walk.ask(act('reset'), done)
        await walk.ask(status, stateIs('CLOSED', 0))
        await walk.ask(call, FINE)
        await walk.ask(act('explode'), refused(422, 'VALIDATION_ERROR'))
      })
    },
    lane,
  ),
]

const CHANGES = ['closed>open', 'open>half-open', 'half-open>open', 'open>half-open', 'half-open>closed']

async function changesAreLogged(walk: Walk, linesBefore: number): Promise<void> {
  const log = walk.target.logs.shop
  if (log === undefined) return walk.pending(LOGS_UNKNOWN)
  let changes: string[] = []
  await walk.until('every change of state is in the log', 1_500, async () => {
    await log.refresh()
    const { shield } = await namesOf(walk)
    const lines = log.lines
      .slice(linesBefore)
      .filter((line) => line['event'] === 'circuit_breaker.state_change' && line['shield'] === shield)
    changes = lines.map((line) => `${line['from']}>${line['to']}`)
    return changes.length >= CHANGES.length && lines.every((line) => line['log_level'] === 'warning') ? true : undefined
  })
  walk.compare('changes of state in the log', CHANGES, changes)
}

/** Returns the names of the shield and its breaker from the log, because the shop chooses them. */
async function namesOf(walk: Walk): Promise<{ readonly shield: string; readonly policy: string }> {
  const log = walk.target.logs.shop
  await log?.refresh()
  const opened = log?.lines.filter((line) => line['event'] === 'circuit_breaker.state_change') ?? []
  // Other rows open the breakers of the product and the inventory service.
  const own = opened.find((line) => !/product|inventor/i.test(String(line['shield'])))
  return { shield: String(own?.['shield'] ?? 'external'), policy: String(own?.['policy'] ?? 'circuitBreaker') }
}
