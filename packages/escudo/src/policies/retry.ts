import { type Call, scopeOf, withAttempt } from '../core/call.ts'
import { ConfigurationError } from '../core/configuration-error.ts'
import { type Duration, show, toMs } from '../core/durations.ts'
import type { Countable } from '../core/events.ts'
import { checkedName, knownKeys, optionalFunction, wholeNumber } from '../core/options.ts'
import type { Classify, Verdict } from '../core/outcome.ts'
import {
  type Binding,
  type Finding,
  type Operation,
  type Policy,
  type PolicyFacts,
  type PolicyStatus,
  type Run,
  unbound,
} from '../core/policy.ts'
import { sleep } from '../core/sleep.ts'
import { isRefusal, mayRetry } from '../errors/classification.ts'
import { read } from '../errors/plain.ts'
import { type Backoff, exponential } from '../mechanisms/backoff.ts'
import { AttemptLog } from './attempts.ts'
import { judgeError, judgeValue } from './judge.ts'

/** Options of {@link retry}. */
export interface RetryOptions<R = unknown> {
  /** How often the operation is called again after its first failure. Default 2. */
  readonly maxRetries?: number
  /** How long to wait before each retry. Default `exponential()`: from 200 ms to 10 s, full jitter. */
  readonly backoff?: Backoff
  /** What counts as a failure. Default: what is thrown, but for business errors. */
  readonly classify?: Classify<R>
  /** No retry begins that much after the first attempt began. Default: no limit but the attempts. */
  readonly maxTotal?: Duration
  /**
   * Whether an error's `retryAfterMs` (the dependency's `Retry-After`) replaces the backoff's delay, and how long it
   * may be at most. Default `{ max: '60s' }`; `false` ignores it.
   */
  readonly retryAfter?: false | { readonly max: Duration }
  /** Default: `retry`. */
  readonly name?: string
}

/**
 * Calls an operation again when it failed, after a delay.
 *
 * A business error, the caller's abort and an error that says `retry: 'never'` are not retried. An abort during the
 * delay settles at once, and the operation is not called again. A refusal by a policy further in is retried only when
 * its `retryAfterMs` fits into the next delay: nobody sleeps through an open circuit. A retry that could not begin
 * before the call's deadline is not made. The last error is thrown as it is; `attemptsOf(error)` gives all of them.
 * Semantics after Polly v8 and failsafe-go.
 *
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { exponential, retry, shield } from 'escudo'
 *
 * const inventory = shield('inventory', retry({ maxRetries: 2, backoff: exponential({ base: '1ms' }) }))
 * let calls = 0
 * const stock = await inventory.run(() => {
 *   calls += 1
 *   if (calls < 3) throw new Error('connection refused')
 *   return 42
 * })
 * console.log(stock, calls) // 42 3
 * ```
 */
export function retry<R = unknown>(options: RetryOptions<R> = {}): Policy<R> {
  return new RetryPolicy(options)
}

const OUTCOMES = [
  'successful_without_retry',
  'successful_with_retry',
  'failed_without_retry',
  'failed_with_retry',
  // What says nothing about the dependency: a business error, the caller's abort, a refusal from further in.
  'ignored',
] as const

class RetryPolicy<R> implements Policy<R> {
  readonly name: string
  readonly type = 'retry'
  readonly settings = {}
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #maxRetries: number
  readonly #backoff: Backoff
  readonly #classify: Classify | undefined
  readonly #maxTotalMs: number
  /** How long an error's own hint may be; below 0 hints are ignored. */
  readonly #retryAfterMaxMs: number
  #calls = 0
  #retries = 0
  #exhausted = 0

  constructor(options: RetryOptions<R>) {
    knownKeys(options, 'retry', ['maxRetries', 'backoff', 'classify', 'maxTotal', 'retryAfter', 'name'])
    this.name = checkedName(options.name ?? 'retry', 'retry.name')
    this.#maxRetries = wholeNumber(options.maxRetries ?? 2, 'retry.maxRetries', 0)
    this.#backoff = checkedBackoff(options.backoff ?? exponential())
    this.#classify = optionalFunction(options.classify, 'retry.classify') as Classify | undefined
    this.#maxTotalMs =
      options.maxTotal === undefined ? Number.POSITIVE_INFINITY : toMs(options.maxTotal, 'retry.maxTotal')
    this.#retryAfterMaxMs = readRetryAfter(options.retryAfter ?? { max: '60s' })
  }

  status(): PolicyStatus {
    return { calls: this.#calls, retries: this.#retries, exhausted: this.#exhausted }
  }

  check(inside: readonly PolicyFacts[]): readonly Finding[] {
    return inside
      .filter(({ type }) => type === 'fallback')
      .map(({ name }) => ({
        level: 'warning',
        path: this.name,
        message: `the fallback '${name}' stands inside of the retry '${this.name}' and hides every failure from it, so nothing is ever retried; put the fallback outside`,
      }))
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    const { clock, events } = binding
    const classify = this.#classify
    const attempts: CountedRun = async (call, operation, tally) => {
      this.#calls += 1
      const firstStartedAt = clock.now()
      let startedAt = firstStartedAt
      let previousDelayMs: number | undefined
      let log: AttemptLog | undefined
      for (let number = 1; ; number += 1) {
        const attempt = call.attempt === number ? call : withAttempt(call, number)
        let value: unknown
        let error: unknown
        let threw = false
        try {
          value = await next(attempt, operation)
        } catch (caught) {
          threw = true
          error = caught
        }
        tally?.begin(number)
        // Judged out here, so that what a classifier throws is not taken for what the operation threw.
        const verdict = threw ? judgeError(classify, error, attempt) : judgeValue(classify, value, attempt)
        tally?.judge(verdict)
        if (!threw && verdict !== 'failure') return value as never

        const delayMs = this.#delayMs(verdict, error, number, previousDelayMs, firstStartedAt, attempt)
        if (log !== undefined || delayMs !== undefined) {
          log ??= new AttemptLog()
          log.add({ number, startedAt, durationMs: clock.now() - startedAt, error })
        }
        if (delayMs === undefined) {
          if (verdict === 'failure') this.#exhausted += 1
          if (!threw) return value as never
          log?.attachTo(error)
          throw error
        }
        this.#retries += 1
        if (events.hears('retry')) {
          events.emit('retry', { shield: binding.shield, policy: binding.policy, attempt: number, delayMs, error })
        }
        const scope = scopeOf(call)
        await sleep(delayMs, clock, scope)
        if (scope?.cut !== undefined) {
          if (scope.cut.by === 'caller') tally?.judge('ignored')
          throw scope.cut.reason
        }
        previousDelayMs = delayMs
        startedAt = clock.now()
      }
    }

    const counted: Run = async (call, operation) => {
      const tally = new Tally()
      try {
        return await attempts(call, operation, tally)
      } finally {
        tally.tell(binding)
      }
    }
    // A layer more where somebody listens, so that nothing is kept across the attempts where nobody does.
    return (call, operation) => (events.hearsExecuted ? counted(call, operation) : attempts(call, operation, undefined))
  }

  /** How long to wait before the next attempt; undefined when there is none. */
  #delayMs(
    verdict: Verdict,
    error: unknown,
    attempt: number,
    previousMs: number | undefined,
    firstStartedAt: number,
    call: Call,
  ): number | undefined {
    const refused = isRefusal(error)
    if (attempt > this.#maxRetries || scopeOf(call)?.cut !== undefined) return undefined
    if (!refused && (verdict !== 'failure' || !mayRetry(error))) return undefined
    const backoffMs = this.#backoff.delayMs(attempt - 1, call.random, previousMs)
    const hintMs = hintOf(error)
    // An open circuit says when it lets a call through again: within the next delay, or not worth waiting for.
    if (refused && (hintMs === undefined || hintMs > backoffMs)) return undefined
    const hinted = !refused && hintMs !== undefined && this.#retryAfterMaxMs >= 0
    const delayMs = hinted ? Math.min(hintMs, this.#retryAfterMaxMs) : backoffMs
    const beginsAt = call.clock.now() + delayMs
    if (beginsAt - firstStartedAt > this.#maxTotalMs) return undefined
    return call.deadline !== undefined && beginsAt >= call.deadline ? undefined : delayMs
  }
}

type CountedRun = <T>(call: Call, operation: Operation<T>, tally: Tally | undefined) => Promise<T>

/** What is told of a call once it is over. */
class Tally {
  #attempts = 1
  #verdict: Verdict = 'ignored'

  /** An attempt has ended. Until it is judged, and where a classifier throws, it says nothing about the dependency. */
  begin(attempts: number): void {
    this.#attempts = attempts
    this.#verdict = 'ignored'
  }

  judge(verdict: Verdict): void {
    this.#verdict = verdict
  }

  tell({ events, shield, policy }: Binding): void {
    const [verdict, attempts] = [this.#verdict, this.#attempts]
    const outcome: (typeof OUTCOMES)[number] =
      verdict === 'ignored'
        ? verdict
        : `${verdict === 'success' ? 'successful' : 'failed'}_${attempts === 1 ? 'without' : 'with'}_retry`
    events.emit('executed', { type: 'executed', shield, policy, policyType: 'retry', outcome, attempts })
  }
}

/** What an error says of when to come back, in milliseconds; undefined when it says nothing that makes sense. */
function hintOf(error: unknown): number | undefined {
  const retryAfterMs = read(error, 'retryAfterMs')
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
}

function checkedBackoff(backoff: Backoff): Backoff {
  if (typeof backoff?.delayMs === 'function') return backoff
  throw new ConfigurationError(
    'retry.backoff',
    `expected constant(…), linear(…) or exponential(…), got ${show(backoff)}`,
  )
}

function readRetryAfter(retryAfter: NonNullable<RetryOptions['retryAfter']>): number {
  if (retryAfter === false) return -1
  knownKeys(retryAfter, 'retry.retryAfter', ['max'])
  return toMs(retryAfter.max, 'retry.retryAfter.max')
}
