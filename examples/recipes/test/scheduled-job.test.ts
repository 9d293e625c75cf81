// Time is fake: croner and escudo follow it.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Fault } from '../src/fault.ts'
import { type JobOptions, type RunEnd, type ScheduledJob, scheduleJob } from '../src/scheduled-job.ts'

const HOUR_MS = 3_600_000
class WorkError extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault)
    this.fault = fault
  }
}

let job: ScheduledJob | undefined
let ends: RunEnd[] = []
const states = (): string[] => ends.map(({ state }) => state)
const warnings: unknown[] = []
const onWarning = (warning: unknown) => void warnings.push(warning)

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-10T00:30:00Z') })
  ends = []
  process.on('warning', onWarning)
})
afterEach(async () => {
  const stop = job?.stop()
  job = undefined
  await vi.advanceTimersByTimeAsync(10 * HOUR_MS)
  await stop
  vi.useRealTimers()
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})

/** Starts an hourly job. */
function hourly(work: JobOptions['work'], options: Partial<JobOptions> = {}): void {
  job = scheduleJob({
    name: `job-${expect.getState().currentTestName}`,
    pattern: '0 * * * *',
    timezone: 'UTC',
    faultOf: (error) => (error instanceof WorkError ? error.fault : 'never'),
    onEnd: (end) => ends.push(end),
    work,
    ...options,
  })
}
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

test('runs at each full hour, and at the start only if it is asked to', async () => {
  const times: string[] = []
  hourly(async () => void times.push(new Date().toISOString().slice(11, 16)))
  await vi.advanceTimersByTimeAsync(2 * HOUR_MS)
  expect(times).toEqual(['01:00', '02:00'])
  await job?.stop()
  hourly(async () => void times.push('start'), { runAtStart: true })
  await vi.advanceTimersByTimeAsync(1)
  expect(times).toEqual(['01:00', '02:00', 'start'])
})

test('a run at the start ends before the first scheduled one, which is not skipped', async () => {
  const reasons: unknown[] = []
  const work = (signal: AbortSignal) =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason)
        reject(signal.reason)
      }),
    )
  hourly(work, { runAtStart: true })
  await vi.advanceTimersByTimeAsync(HOUR_MS / 2 - 1_000)
  expect(states()).toEqual(['failed'])
  expect(ends[0]).toMatchObject({ error: { code: 'DEADLINE_EXCEEDED' } })
  expect(reasons).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(states()).toEqual(['failed', 'failed'])
})

test('work that ignores its signal never runs twice at once', async () => {
  let running = 0
  let most = 0
  hourly(async () => {
    running += 1
    most = Math.max(most, running)
    await sleep(2.5 * HOUR_MS)
    running -= 1
  })
  await vi.advanceTimersByTimeAsync(4 * HOUR_MS)
  // Started at 1:00 and still running at 2:00 and 3:00. Ended at 3:30, so it runs at 4:00.
  expect(states()).toEqual(['failed', 'skipped', 'skipped'])
  expect([most, running]).toEqual([1, 1])
})

test('runNow does not overlap a scheduled run either', async () => {
  hourly(() => sleep(HOUR_MS / 4))
  await vi.advanceTimersByTimeAsync(HOUR_MS / 2 + 1)
  expect(await job?.runNow()).toEqual({ state: 'skipped' })
  await vi.advanceTimersByTimeAsync(HOUR_MS / 4)
  expect(states()).toEqual(['skipped', 'done'])
})

test.each<[Fault, number]>([
  ['transient', 4],
  ['unknown', 4],
  ['caller', 1],
  ['never', 1],
])('work that fails as %s makes %i attempts, and runs again an hour later', async (fault, attempts) => {
  let runs = 0
  hourly(async () => {
    runs += 1
    throw new WorkError(fault)
  })
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect([runs, states()]).toEqual([attempts, ['failed']])
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect([runs, states()]).toEqual([2 * attempts, ['failed', 'failed']])
})

test('makes no retry that could not start before the next run', async () => {
  let runs = 0
  const work = async () => {
    runs += 1
    await sleep(4_000)
    throw new WorkError('transient')
  }
  hourly(work, { pattern: '*/5 * * * * *' })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(runs).toBeLessThanOrEqual(2)
  expect(states()[0]).toBe('failed')
})

test('stop cancels the run, waits for it, and makes no further one', async () => {
  let hasEnded = false
  let runs = 0
  hourly(async (signal) => {
    runs += 1
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await sleep(2_000) // cleans up
    hasEnded = true
  })
  await vi.advanceTimersByTimeAsync(HOUR_MS / 2 + 1)
  const stopped = job?.stop().then(() => hasEnded)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await stopped).toBe(true)
  await vi.advanceTimersByTimeAsync(3 * HOUR_MS)
  expect([runs, states()]).toEqual([1, ['failed']])
})

test('runs after the hour that summer time omits, in its time zone', async () => {
  vi.setSystemTime(new Date('2026-03-28T12:00:00Z'))
  const times: string[] = []
  hourly(async () => void times.push(new Date().toISOString().slice(5, 16)), {
    pattern: '30 2 * * *', // does not exist on 29 March in Madrid
    timezone: 'Europe/Madrid',
  })
  await vi.advanceTimersByTimeAsync(48 * HOUR_MS)
  expect(times).toEqual(['03-29T01:00', '03-30T00:30'])
})
