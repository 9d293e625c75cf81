import { expect } from 'vitest'
import type { Call } from '../../../core/engine/call.ts'
import { type HedgeOptions, hedge, type ShieldEvents, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// Shared setup of the hedge tests.

/** What an attempt does after `ms`: it returns a value or throws an error. */
type Plan = { readonly ms: number; readonly value?: unknown; readonly error?: unknown }

/** An operation whose attempts follow the plans in order. Each ends early if its signal aborts. */
export function planned(clock: ReturnType<typeof virtualClock>, plans: readonly Plan[]) {
  const started: { readonly attempt: number; readonly at: number }[] = []
  const aborted: { readonly attempt: number; readonly at: number; readonly reason: unknown }[] = []
  const operation = ({ attempt, signal }: Call): Promise<unknown> => {
    const plan = plans[started.length] as Plan
    started.push({ attempt, at: clock.now() })
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimer(() => ('error' in plan ? reject(plan.error) : resolve(plan.value)), plan.ms)
      signal.addEventListener('abort', () => {
        cancel()
        aborted.push({ attempt, at: clock.now(), reason: signal.reason })
        reject(signal.reason)
      })
    })
  }
  return { operation, started, aborted }
}

export function setUp(options: HedgeOptions, plans: readonly Plan[]) {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, hedge(options))
  const events: ShieldEvents['hedge'][] = []
  s.on('hedge', (event) => events.push(event))
  return { clock, s, events, status: () => s.status().policies[0], ...planned(clock, plans) }
}

/** What a promise settled with, and when. Expects that no timer is left. */
export async function settled(clock: ReturnType<typeof virtualClock>, promise: Promise<unknown>) {
  const outcome = promise.then(
    (value) => ({ value, at: clock.now() }),
    (error: unknown) => ({ error, at: clock.now() }),
  )
  await clock.advance('1h')
  expect(clock.pending).toBe(0)
  return await outcome
}
