import { getEventListeners } from 'node:events'
import { type AnyPolicy, type Call, type Shield, shield } from 'escudo'
import { type VirtualClock, virtualClock } from 'escudo/testing'
import { expect } from 'vitest'
import { CountingClock } from '../conservation/counting-clock.ts'
import type { Entry } from './entry.ts'
import { type Context, type End, operation as modelOperation, type Outcome, World } from './model.ts'
import type { Scenario } from './scenarios.ts'

const facts = (code: string, more: object): object => ({ [Symbol.for('escudo.error')]: { code, ...more } })

const DOWN = new Error('down')
const BUSINESS = Object.assign(new Error('no'), facts('NO', { status: 409, kind: 'business' }))
const REFUSED = Object.assign(new Error('full'), facts('FULL', { status: 503, kind: 'technical', refusal: true }))
const GONE = new Error('the caller is gone')
const THROWN = { down: DOWN, business: BUSINESS, refused: REFUSED } as const
const CODES: Readonly<Record<string, Outcome>> = {
  TIMEOUT: 'timeout',
  DEADLINE_EXCEEDED: 'deadline',
  CIRCUIT_OPEN: 'refused',
  BULKHEAD_FULL: 'refused',
  RATE_LIMITED: 'refused',
}
const EVENTS = ['retry', 'hedge', 'timeout', 'fallback', 'rejected'] as const

// The random number of the throttle: it refuses no call before ten failures in a row.
const CHANCE = 0.9
const PAUSE_MS = 1_000
const NEVER = Number.POSITIVE_INFINITY

/** Plays a scenario through the policies, outermost first, and the model, and expects the same of both. */
export async function play(entries: readonly Entry[], scenario: Scenario, refusing?: Entry): Promise<void> {
  const clock = virtualClock()
  const shieldClock = new CountingClock(clock)
  const policies = entries.map((entry) => entry.make())
  const build = shield as unknown as (options: object, ...all: readonly AnyPolicy[]) => Shield
  const s = build({ name: 'order', clock: shieldClock, random: () => CHANCE }, ...policies)
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  const world = new World(scenario.script, scenario.manner, refusing?.name)
  for (const { name, counters } of entries) world.counters.set(name, { ...counters })
  const stop = refusing?.refuse?.(policies[entries.indexOf(refusing)] as AnyPolicy, shieldClock as never)
  const statusBefore = statuses(s)
  const events: Record<string, number> = {}
  for (const event of EVENTS) {
    s.on(event, () => {
      events[event] = (events[event] ?? 0) + 1
    })
  }
  const operation = operationOf(scenario, clock)
  const part = entries.reduceRight((inside, { model }) => model(inside), modelOperation)

  try {
    for (let run = 0; run < (scenario.runs ?? 1); run += 1) {
      const expected = part(world, clock.now(), contextOf(scenario, clock.now()))
      const { outcome, signal } = await runOnce(s, operation.run, scenario, clock, expected.at)
      expect(outcome).toEqual({ outcome: expected.outcome, at: expected.at })
      expect(operation.calls()).toBe(world.calls)
      expect(getEventListeners(signal, 'abort')).toEqual([])
      // Timers are cancelled when the call ends, not when they fall due.
      expect(shieldClock.pending).toBe(0)
      await clock.advance(PAUSE_MS)
    }
    expect(events).toEqual(world.events)
    if (refusing === undefined) expect(statuses(s)).toMatchObject(expectedStatuses(world, clock.now()))
    else if (refusing.type !== 'adaptiveThrottle') {
      expect(statuses(s)[refusing.name]).toMatchObject(statusBefore[refusing.name] as object)
    }

    // Operations that are still running end late: no event, no counter, and every permit is released.
    stop?.()
    operation.release()
    await clock.advance('2h')
    if (refusing === undefined) expect(statuses(s)).toMatchObject(expectedStatuses(world, NEVER))
    expect(events).toEqual(world.events)
    expect(operation.calls()).toBe(world.calls)
    expect(shieldClock.pending).toBe(0)
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
}

// Counters of ended calls. An operation that is still running delays them.
const LATE = ['exhausted', 'misses']

/** The counters, and the permits that are taken at this time. */
function expectedStatuses(world: World, now: number): Record<string, unknown> {
  return Object.fromEntries(
    [...world.counters].map(([name, counters]) => {
      const permits = world.taken.filter((permit) => permit.name === name && permit.until > now).length
      const expected = Object.entries(counters)
        .filter(([counter]) => !(world.hadLateWork && LATE.includes(counter)))
        .map(([counter, count]) => [counter, counter === 'inUse' || counter === 'inFlight' ? permits : count])
      return [name, Object.fromEntries(expected)]
    }),
  )
}

function statuses(s: Shield): Record<string, unknown> {
  return Object.fromEntries(s.status().policies.map((status) => [status.name, status]))
}

function contextOf({ deadlineMs, abortAtMs }: Scenario, now: number): Context {
  const deadline = now + (deadlineMs ?? NEVER)
  const abortAt = now + (abortAtMs ?? NEVER)
  if (abortAt < deadline) return { cancellation: { at: abortAt, reason: 'gone', by: 'caller' }, deadline }
  return { cancellation: { at: deadline, reason: 'deadline', by: 'escudo' }, deadline }
}

async function runOnce(
  s: Shield,
  operation: (call: Call) => unknown,
  scenario: Scenario,
  clock: VirtualClock,
  endsAt: number,
): Promise<{ readonly outcome: unknown; readonly signal: AbortSignal }> {
  const { deadlineMs, abortAtMs } = scenario
  const controller = new AbortController()
  const { signal } = controller
  const settled: End[] = []
  const settle = (outcome: Outcome): void => void settled.push({ outcome, at: clock.now() })
  s.run(operation, { signal, key: 'key', ...(deadlineMs === undefined ? {} : { deadline: deadlineMs }) }).then(
    (value) => settle(value as Outcome),
    (error) => settle(nameOf(error)),
  )
  if (abortAtMs !== undefined) clock.setTimer(() => controller.abort(GONE), abortAtMs)
  await clock.advance(Math.max(endsAt - clock.now(), abortAtMs ?? 0))
  expect(settled.length).toBe(1)
  return { outcome: settled[0], signal }
}

function nameOf(error: unknown): Outcome {
  if (error === GONE) return 'gone'
  for (const [name, thrown] of Object.entries(THROWN)) if (error === thrown) return name as Outcome
  return CODES[(error as { code: string }).code] ?? (`unexpected: ${error}` as Outcome)
}

/** The operation that a scenario describes. */
function operationOf({ script, manner, sync }: Scenario, clock: VirtualClock) {
  let calls = 0
  const releases: (() => void)[] = []
  const run = (call: Call): unknown => {
    calls += 1
    const { outcome, afterMs } = script(calls)
    const end = (): unknown => {
      if (outcome === 'value') return 'value'
      throw THROWN[outcome]
    }
    if (afterMs === 0) return sync ? end() : Promise.resolve().then(end)
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        try {
          resolve(end())
        } catch (error) {
          reject(error)
        }
      }
      if (manner === 'obeys its signal') call.signal.addEventListener('abort', () => reject(call.signal.reason))
      if (Number.isFinite(afterMs)) clock.setTimer(settle, afterMs)
      // Half of the late results are failures.
      else releases.push(() => (releases.length % 2 === 0 ? resolve('late') : reject(DOWN)))
    })
  }
  return { run, calls: () => calls, release: () => releases.forEach((release) => void release()) }
}
