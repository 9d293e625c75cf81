import { expect, test } from 'vitest'
import type { Column, Lane } from '../../../../src/report/view.ts'
import { verdictOf } from '../verdict.ts'

const NOW = 1_800_000_000_000
const range = { from: NOW - 900_000, to: NOW, seconds: 900, stepMs: 5_000, isNow: true }

function column(secondsAgo: number, good: number, server: number): Column {
  return [NOW - secondsAgo * 1_000, good, 0, server, 1, 1, 1, 0]
}

function verdict(columns: readonly Column[], lanes: readonly Lane[] = []) {
  const requests = columns.reduce((sum, [, good, client, server]) => sum + good + client + server, 0)
  const errors = columns.reduce((sum, [, , , server]) => sum + server, 0)
  const totals = { requests, client_errors: 0, latency_ms: { mean: 1 } }
  const summary = {
    requests,
    by_service: { calm: { ...totals, server_errors: 0 }, shop: { ...totals, server_errors: errors } },
  }
  return verdictOf({ summary, range, lanes } as unknown as Parameters<typeof verdictOf>[0], columns)
}

const open: Lane = {
  service: 'shop',
  shield: 'inventory',
  policy: 'circuitBreaker',
  state: 'open',
  since: NOW - 7_000,
  before: 'closed',
  changes: [],
}

test('waits without a request', () => {
  expect(verdict([]).state).toBe('waiting')
})

test('is failing at one server error in twenty, with service and start', () => {
  const columns = [column(300, 10, 0), column(80, 10, 1), column(40, 10, 1), column(20, 9, 0)]
  expect(verdict(columns)).toMatchObject({ state: 'failing', service: 'shop', since: NOW - 80_000 })
})

test('is degraded with fewer failures, and separates errors by a calm minute', () => {
  const columns = [column(200, 0, 9), column(30, 1_000, 1)]
  expect(verdict(columns)).toMatchObject({ state: 'degraded', since: NOW - 30_000 })
})

test('is degraded since a breaker opened, even without a failed response', () => {
  expect(verdict([column(5, 10, 0)], [open])).toMatchObject({
    state: 'degraded',
    service: 'shop',
    since: NOW - 7_000,
    breakers: [open],
  })
})

test('is healthy after errors, with the time of the last one', () => {
  expect(verdict([column(200, 1, 1), column(5, 10, 0)])).toMatchObject({ state: 'healthy', lastError: NOW - 200_000 })
})
