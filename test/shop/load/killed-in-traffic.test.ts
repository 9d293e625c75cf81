import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, counted, formProblem, quantile } from '../helpers/form.ts'
import { until } from '../helpers/processes.ts'
import { ask } from '../helpers/requests.ts'
import { cleanUp, pidsOf, type System, startSystem, stopSystem } from '../helpers/system.ts'
import type { Name } from '../helpers/target.ts'

// Kills processes with SIGKILL, one after the other, while the shop gets twenty requests a second. Each request gets a
// well-formed answer in time, and the shop recovers once the killed process has restarted.

const PAGE = '/product-details/mana-potion'
const EXTERNAL = '/call-external'
/** The shop gets two requests each time: twenty a second. */
const EVERY_MS = 100
const CALM_MS = 4_000

interface Seen {
  readonly path: string
  readonly startedMs: number
  readonly endedMs: number
  readonly what: string
  readonly problem: string | undefined
  readonly ok: boolean
}

interface Phase {
  readonly name: Name
  readonly killedMs: number
  readonly endMs: number
}

let system: System
const seen: Seen[] = []
const phases: Phase[] = []

beforeAll(async () => {
  system = await startSystem({ ESCUDO_UNSTABLE_FAIL_RATE: '0' })
})
afterAll(async () => {
  await stopSystem(system)
  await cleanUp()
})

async function request(path: string): Promise<void> {
  const startedMs = performance.now()
  const add = (what: string, problem: string | undefined, ok: boolean): void => {
    seen.push({ path, startedMs, endedMs: performance.now(), what, problem, ok })
  }
  try {
    const answer = await ask(system, 'potion-shop', path)
    const isDegraded = answer.status === 200 && answer.json.inventory?.stock === null
    const what = `${answer.status} ${codeOf(answer) ?? (isDegraded ? 'degraded' : 'complete')}`
    add(what, formProblem(answer), answer.status === 200 && !isDegraded)
  } catch (error) {
    add('no answer', String(error), false)
  }
}

/** Kills a process and waits until both pages have been complete for a second. */
async function kill(name: Name): Promise<void> {
  const killedMs = performance.now()
  process.kill(pidsOf(system.supervisor)[name], 'SIGKILL')
  await until(
    `recovery after ${name} was killed`,
    () => {
      const from = performance.now() - 1_000
      const recent = seen.filter(({ startedMs }) => startedMs > from)
      return from > killedMs && recent.length >= 10 && recent.every(({ ok }) => ok)
    },
    25_000,
  )
  phases.push({ name, killedMs, endMs: performance.now() })
}

test('survives kills of inventory, product service and flaky service under load', { timeout: 90_000 }, async () => {
  const shopPid = pidsOf(system.supervisor)['potion-shop']
  const pending = new Set<Promise<void>>()
  const traffic = setInterval(() => {
    for (const path of [PAGE, EXTERNAL]) {
      const one: Promise<void> = request(path).finally(() => pending.delete(one))
      pending.add(one)
    }
  }, EVERY_MS)
  try {
    await delay(CALM_MS)
    for (const name of ['inventory-service', 'product-service', 'flaky-service'] as const) await kill(name)
  } finally {
    clearInterval(traffic)
  }
  await Promise.all(pending)
  console.log(numbers())

  expect(seen.length).toBeGreaterThan(100)
  expect(seen.filter(({ problem }) => problem !== undefined)).toEqual([])
  expect(Math.max(...seen.map(({ startedMs, endedMs }) => endedMs - startedMs))).toBeLessThan(2_500)

  // A page that does not depend on the killed service is not affected.
  const [inventory, product, flaky] = phases as [Phase, Phase, Phase]
  expect(kinds(inventory, PAGE)).toEqual(['200 complete', '200 degraded'])
  expect(kinds(inventory, EXTERNAL)).toEqual(['200 complete'])
  expect(kinds(product, EXTERNAL)).toEqual(['200 complete'])
  expect(kinds(flaky, PAGE)).toEqual(['200 complete'])
  // A page that depends on it fails only in the documented ways.
  const ofProduct = kinds(product, PAGE)
  expect(ofProduct).toContain('502 UPSTREAM_ERROR')
  for (const kind of ofProduct) {
    expect(['200 complete', '502 UPSTREAM_ERROR', '503 CIRCUIT_OPEN', '504 UPSTREAM_TIMEOUT']).toContain(kind)
  }
  expect(kinds(flaky, EXTERNAL)).toEqual(['200 complete', '502 UPSTREAM_ERROR', '503 CIRCUIT_OPEN'])
  // Three consecutive failures open the circuit. A few more calls may start before the third one returns, but fewer
  // than ten in all.
  const failed = inPhase(flaky, EXTERNAL).filter(({ what }) => what === '502 UPSTREAM_ERROR')
  expect(failed.length).toBeGreaterThanOrEqual(3)
  expect(failed.length).toBeLessThan(10)

  expect(pidsOf(system.supervisor)['potion-shop']).toBe(shopPid)
  expect(system.supervisor.stdout()).not.toContain('potion-shop died')
  // The restart takes about a second, and an open circuit ten more.
  for (const phase of phases) expect(recoveryMs(phase)).toBeLessThan(15_000)
})

/** Selects the answers between a kill and the next one. They include requests in flight at the kill. */
function inPhase({ killedMs, endMs }: Phase, path: string): readonly Seen[] {
  return seen.filter((one) => one.path === path && one.endedMs >= killedMs && one.endedMs < endMs)
}

function kinds(phase: Phase, path: string): readonly string[] {
  return [...new Set(inPhase(phase, path).map(({ what }) => what))].sort()
}

/** Returns the time from the kill to the last answer that was not complete. */
function recoveryMs(phase: Phase): number {
  const bad = [...inPhase(phase, PAGE), ...inPhase(phase, EXTERNAL)].filter(({ ok }) => !ok)
  return Math.max(0, ...bad.map(({ endedMs }) => endedMs - phase.killedMs))
}

function numbers(): string {
  const took = seen.map(({ startedMs, endedMs }) => endedMs - startedMs)
  const lines = phases.map((phase) => {
    const pages = counted(inPhase(phase, PAGE).map(({ what }) => what))
    const external = counted(inPhase(phase, EXTERNAL).map(({ what }) => what))
    return `${phase.name} killed: recovered after ${recoveryMs(phase).toFixed(0)} ms; pages ${pages}; external ${external}`
  })
  const slowest = `median ${quantile(took, 0.5).toFixed(1)} ms, slowest ${Math.max(...took).toFixed(0)} ms`
  return [`${seen.length} answers: ${counted(seen.map(({ what }) => what))}; ${slowest}`, ...lines].join('\n')
}
