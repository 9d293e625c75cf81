// Work that runs at set times, with croner: never twice at once, and never longer than until the next run.

import { Cron } from 'croner'
import { bulkhead, exponential, isRefusal, retry, shield, wasCalled } from 'escudo'
import { type FaultOf, retryIdempotent } from './fault.ts'

/** The longest time that a run ends before the next one starts. */
const MARGIN_MS_MAX = 1_000

/** How a run ended. A run is skipped while the work of an earlier one is still running. */
export type RunEnd =
  | { readonly state: 'done'; readonly value: unknown }
  | { readonly state: 'skipped' }
  | { readonly state: 'failed'; readonly error: unknown }

/** What runs when. */
export interface JobOptions {
  readonly name: string
  /** Five or six fields, such as `0 3 * * *`. */
  readonly pattern: string
  /** Such as `Europe/Madrid`. Default: that of the process, which on a server is often not the one that you expect. */
  readonly timezone?: string
  /** Must be able to run again after a failure at any point. Ends early when the signal aborts. */
  readonly work: (signal: AbortSignal) => Promise<unknown>
  /** What the errors of the work mean. */
  readonly faultOf: FaultOf
  /** Also runs now, for example because a run may have been missed while the service was down. Default false. */
  readonly runAtStart?: boolean
  readonly onEnd?: (end: RunEnd) => void
}

/** A job that has been scheduled. */
export interface ScheduledJob {
  /** Runs it now, if it is not running. Never rejects. */
  runNow(): Promise<RunEnd>
  /** Makes no further run, cancels the one in progress, and waits until it has ended. */
  stop(): Promise<void>
}

/** Schedules a job. Call it once, when the program starts. */
export function scheduleJob(options: JobOptions): ScheduledJob {
  const { name, pattern, timezone, work, faultOf, onEnd } = options
  const guarded = shield(
    name,
    // Outermost, and without a timeout inside: the permit is kept until the work has really ended, not until the
    // deadline. The option `protect` of croner ends with the promise, so a run that ignores its signal would overlap.
    bulkhead({ limit: 1 }),
    retry({ maxRetries: 3, backoff: exponential({ base: '1s', max: '30s' }), classify: retryIdempotent(faultOf) }),
  )
  const stopped = new AbortController()
  const running = new Set<Promise<unknown>>()

  const runNow = async (): Promise<RunEnd> => {
    const run = guarded.run(
      (call) => {
        const result = work(call.signal)
        running.add(result)
        result.catch(() => {}).finally(() => running.delete(result))
        return result
      },
      { signal: stopped.signal, deadline: timeOf(schedule.msToNext()) },
    )
    const end = await run.then<RunEnd, RunEnd>(
      (value) => ({ state: 'done', value }),
      (error) => (isRefusal(error) && !wasCalled(error) ? { state: 'skipped' } : { state: 'failed', error }),
    )
    onEnd?.(end)
    return end
  }
  const schedule = new Cron(pattern, { name, ...(timezone && { timezone }) }, async () => {
    await runNow()
  })
  if (options.runAtStart === true) void runNow()
  return {
    runNow,
    async stop() {
      schedule.stop()
      stopped.abort(new Error(`the job '${name}' was stopped`))
      await Promise.allSettled(running)
    },
  }
}

/** The time of a run: until shortly before the next one, which would otherwise find it still running. */
function timeOf(msToNext: number | null): number | undefined {
  return msToNext === null ? undefined : msToNext - Math.min(MARGIN_MS_MAX, msToNext / 10)
}
