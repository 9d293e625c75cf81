import { describe, expect, test } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import type { ShieldEvent } from '../../core/events/events.ts'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { createLogger, logPolicyEvents } from '../pino.ts'
import { policyLine } from '../policy-lines.ts'
import { subscribe } from '../subscribe.ts'

const base = { shield: 'inventory', policy: 'p' }

describe('the line of an event', () => {
  test.each<readonly [ShieldEvent, unknown]>([
    [
      {
        ...{ type: 'stateChange', ...base, from: 'closed', to: 'open', reason: '3 failures in a row', at: 5 },
        ...{ failures: 3, calls: 4, lastFailure: { name: 'TypeError', code: 'ECONNREFUSED', at: 5 } },
      },
      {
        level: 'warning',
        event: 'circuit_breaker.state_change',
        fields: {
          ...{ ...base, from: 'closed', to: 'open', reason: '3 failures in a row' },
          ...{ failures: 3, calls: 4, error_type: 'TypeError', error_code: 'ECONNREFUSED' },
        },
      },
    ],
    [
      { type: 'retry', ...base, attempt: 1, delayMs: 12.3456, error: new RangeError('no') },
      {
        level: 'warning',
        event: 'retry.attempt',
        fields: { ...base, attempt: 1, delay_ms: 12.35, error_type: 'RangeError', error_message: 'no' },
      },
    ],
    [
      { type: 'hedge', ...base, attempt: 2, delayMs: 12.3456 },
      { level: 'info', event: 'hedge', fields: { ...base, attempt: 2, delay_ms: 12.35 } },
    ],
    [
      { type: 'timeout', ...base, afterMs: 2_000 },
      { level: 'warning', event: 'timeout', fields: { ...base, after_ms: 2_000 } },
    ],
    [
      { type: 'rejected', ...base, code: 'BULKHEAD_FULL', retryAfterMs: undefined },
      { level: 'debug', event: 'bulkhead.rejected', fields: { ...base, error_code: 'BULKHEAD_FULL' } },
    ],
    [
      { type: 'rejected', ...base, code: 'RATE_LIMITED', retryAfterMs: 5 },
      {
        level: 'debug',
        event: 'rate_limiter.rejected',
        fields: { ...base, error_code: 'RATE_LIMITED', retry_after_ms: 5 },
      },
    ],
    [
      { type: 'rejected', ...base, code: 'CIRCUIT_OPEN', retryAfterMs: 5 },
      {
        level: 'debug',
        event: 'circuit_breaker.rejected',
        fields: { ...base, error_code: 'CIRCUIT_OPEN', retry_after_ms: 5 },
      },
    ],
    [
      { type: 'rejected', ...base, code: 'CUSTOM', retryAfterMs: 5 },
      { level: 'debug', event: 'policy.rejected', fields: { ...base, error_code: 'CUSTOM', retry_after_ms: 5 } },
    ],
    [
      { type: 'fallback', ...base, error: 'text' },
      { level: 'warning', event: 'fallback', fields: { ...base, error_type: 'string', error_message: 'text' } },
    ],
    [
      { type: 'stale', ...base, error: new RangeError('no'), ageMs: 61_000.126, refresh: true },
      {
        level: 'warning',
        event: 'cache.stale',
        fields: { ...base, age_ms: 61_000.13, refresh: true, error_type: 'RangeError', error_message: 'no' },
      },
    ],
    [
      { type: 'late', ...base, verdict: 'failure' },
      { level: 'debug', event: 'circuit_breaker.late_result', fields: { ...base, verdict: 'failure' } },
    ],
    [
      { type: 'somethingNew', ...base, howLong: 5, why: new Error('x') } as never,
      { level: 'info', event: 'something_new', fields: { ...base, how_long: 5, why: 'Error: x' } },
    ],
  ])('%j', (event, line) => {
    expect(policyLine(event)).toEqual(line)
  })
})

test('logPolicyEvents logs events of shields with the trace of the request, until it is stopped', async () => {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({ service: 's', stdout: false, sink: { write: (line) => lines.push(JSON.parse(line)) } })
  const stop = logPolicyEvents(log)
  const clock = virtualClock()
  const inventory = shield(
    { name: 'inventory', clock, random: () => 0.5 },
    fallback(null),
    retry({ maxRetries: 1, backoff: constant('1s') }),
    bulkhead({ limit: 1 }),
  )
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  const answer = withAmbient(context, () => inventory.run(() => Promise.reject(new Error('down'))))
  await clock.advance('1s')
  expect(await answer).toBeNull()
  expect(lines).toMatchObject([
    {
      log_level: 'warning',
      event: 'retry.attempt',
      shield: 'inventory',
      policy: 'retry',
      attempt: 1,
      delay_ms: 1_000,
      trace_id: context.traceId,
    },
    {
      log_level: 'warning',
      event: 'fallback',
      shield: 'inventory',
      policy: 'fallback',
      error_message: 'down',
      trace_id: context.traceId,
    },
  ])
  stop()
  const later = inventory.run(() => Promise.reject(new Error('down')))
  await clock.advance('1s')
  await later
  expect(lines).toHaveLength(2)
})

test('an error of a listener never reaches a policy', async () => {
  const stop = subscribe(() => {
    throw new Error('listener')
  })
  expect(await shield('x', fallback(1)).run(() => Promise.reject(new Error('down')))).toBe(1)
  stop()
  expect(() => subscribe(5 as never)).toThrow(TypeError)
})
