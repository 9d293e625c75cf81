import { Effect, Option, Schedule, Scope, Semaphore } from 'effect'
import { CircuitBreaker } from 'effect/persistence'
import { OPEN_MS, TIMEOUT_MS } from './peers.ts'

// effect 4 builds a program once and runs it for each call, as we do with shields. Its circuit breaker (experimental) has
// consecutive failures and a window of calls, but no window of time. effect is only in groups where the other breakers
// have a window of calls too.

/** A program that may fail with anything. */
export type Program = Effect.Effect<unknown, unknown>

/** An operation of effect. It rejects with its own error, and gets a signal only if it takes one. */
export function operation(run: (signal: AbortSignal) => PromiseLike<unknown>): Program {
  // effect reads `length` to decide whether to create a signal, so the wrapper must keep the length.
  const call = run.length === 0 ? () => (run as () => PromiseLike<unknown>)() : (signal: AbortSignal) => run(signal)
  return Effect.tryPromise({ try: call, catch: (error) => error })
}

/** Runs the program once for each call. */
export function runner(program: Program, options?: Effect.RunOptions): () => Promise<unknown> {
  return () => Effect.runPromise(program, options)
}

const backoff = Schedule.exponential('200 millis').pipe(Schedule.jittered)

/** Like ours: 2 retries, exponential from 200 ms, with jitter. */
export function withRetry(program: Program): Program {
  return Effect.retry(program, { times: 2, schedule: backoff })
}

export function withTimeout(program: Program, afterMs: number = TIMEOUT_MS): Program {
  return Effect.timeout(program, afterMs)
}

export function withFallback(program: Program): Program {
  return Effect.orElseSucceed(program, () => 1)
}

/** A semaphore that rejects immediately when it has no permit, like a bulkhead without a queue. */
export function withBulkhead(limit: number): (program: Program) => Program {
  const semaphore = Semaphore.makeUnsafe(limit)
  const full = Effect.fail(new Error('full'))
  return (program) =>
    Effect.flatMap(semaphore.withPermitsIfAvailable(1)(program), (result) =>
      Option.isSome(result) ? Effect.succeed(result.value) : full,
    )
}

/** A breaker over the last `size` calls, with its state in memory. */
export async function makeBreaker(
  size: number,
  threshold = 0.5,
  minimumCalls = 20,
): Promise<(program: Program, key?: string) => Program> {
  const tripPolicy = CircuitBreaker.rate({ threshold, size, minimumCalls })
  return await make(tripPolicy)
}

/** A breaker that one failure opens. */
export async function makeQuickBreaker(): Promise<(program: Program, key?: string) => Program> {
  return await make(CircuitBreaker.consecutive(1))
}

async function make(tripPolicy: CircuitBreaker.TripPolicy): Promise<(program: Program, key?: string) => Program> {
  const scope = await Effect.runPromise(Scope.make())
  const breaker = await Effect.runPromise(
    CircuitBreaker.make({ tripPolicy, openDuration: OPEN_MS }).pipe(
      Scope.provide(scope),
      Effect.provide(CircuitBreaker.layerStoreMemory()),
    ),
  )
  return (program, key = 'bench') => breaker.execute({ key })(program)
}

/** Whether the breaker of effect rejected the call. */
export function isEffectRefusal(error: unknown): boolean {
  return error instanceof CircuitBreaker.CircuitBreakerError && error.reason._tag === 'CircuitOpen'
}
