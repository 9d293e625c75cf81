// What every policy must do in real time and in the fake time of any tool. The same checks run in both, so that a policy
// that trusts a timer of the other time fails.
import assert from 'node:assert/strict'
import {
  bulkhead,
  cache,
  circuitBreaker,
  consecutive,
  constant,
  hedge,
  rateLimiter,
  retry,
  shield,
  systemClock,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'

/** Time as a scenario sees it. */
export interface Time {
  /** Lets time pass, and runs what becomes due. */
  pass(ms: number): Promise<void>
  /** Whether `pass` is exact. In real time a timer may be late. */
  readonly exact: boolean
}

const WAIT_MS = 40
const never = (): Promise<never> => new Promise(() => {})

/** Returns the value of a promise or the code of its error, and `pending` before. */
function watch(promise: Promise<unknown>): () => string {
  let result = 'pending'
  promise.then(
    (value) => {
      result = String(value)
    },
    (error) => {
      result = String(error.code ?? error)
    },
  )
  return () => result
}

/** Checks that a promise settles after `WAIT_MS`, and not earlier. */
async function settlesInTime(time: Time, promise: Promise<unknown>, expected: string): Promise<void> {
  const result = watch(promise)
  await time.pass(WAIT_MS - 1)
  if (time.exact) assert.equal(result(), 'pending')
  await time.pass(1)
  if (!time.exact) for (let n = 0; n < 100 && result() === 'pending'; n += 1) await time.pass(10)
  assert.equal(result(), expected)
}

/** Creates the scenarios. Their shields are used again in each time, so their state lives through every change. */
export function scenarios(): Readonly<Record<string, (time: Time) => Promise<void>>> {
  const timed = shield('timed', timeout(WAIT_MS))
  const circuit = circuitBreaker({ trip: consecutive(1), openFor: WAIT_MS })
  const guarded = shield('guarded', circuit)
  const cached = shield('cached', cache({ ttl: WAIT_MS }))
  let loads = 0
  const limited = shield('limited', rateLimiter({ limit: 1, per: WAIT_MS, maxWait: '1m' }))
  const narrow = shield('narrow', bulkhead({ limit: 1, queue: 1, maxWait: WAIT_MS }))
  const retried = shield('retried', retry({ maxRetries: 1, backoff: constant(WAIT_MS) }))
  const plain = shield('plain', retry({ maxRetries: 0 }))
  const hedged = shield('hedged', hedge({ after: WAIT_MS }))

  return {
    'a timeout': async (time) => {
      assert.equal(await timed.run(() => 'ok'), 'ok')
      await settlesInTime(time, timed.run(never), 'TIMEOUT')
    },
    'a circuit': async (time) => {
      circuit.reset()
      let halfOpen = false
      const stop = guarded.on('stateChange', ({ to }) => {
        halfOpen ||= to === 'half-open'
      })
      await guarded.run(() => Promise.reject(new Error('refused'))).catch(() => {})
      // On a busy machine the open period may be over already.
      if (time.exact) assert.equal(circuit.state, 'open')
      else assert.notEqual(circuit.state, 'closed')
      await time.pass(WAIT_MS - 1)
      if (time.exact) assert.equal(circuit.state, 'open')
      await time.pass(1)
      if (!time.exact) for (let n = 0; n < 100 && !halfOpen; n += 1) await time.pass(10)
      stop()
      assert.equal(halfOpen, true)
      assert.equal(await guarded.run(() => 'ok'), 'ok')
      assert.equal(circuit.state, 'closed')
    },
    'a cache': async (time) => {
      const load = (): Promise<number> => cached.run(() => (loads += 1), { key: 'one' })
      await time.pass(WAIT_MS * 2)
      const first = await load()
      if (time.exact) {
        await time.pass(WAIT_MS - 1)
        assert.equal(await load(), first)
      }
      await time.pass(WAIT_MS + 1)
      assert.equal(await load(), first + 1)
    },
    'a rate limiter': async (time) => {
      await time.pass(WAIT_MS * 2)
      assert.equal(await limited.run(() => 'ok'), 'ok')
      await settlesInTime(
        time,
        limited.run(() => 'ok'),
        'ok',
      )
    },
    'a bulkhead': async (time) => {
      let free: (value: string) => void = () => {}
      const holder = narrow.run(() => new Promise<string>((resolve) => (free = resolve)))
      await settlesInTime(
        time,
        narrow.run(() => 'ok'),
        'BULKHEAD_FULL',
      )
      free('free')
      assert.equal(await holder, 'free')
    },
    'a retry': async (time) => {
      let calls = 0
      const flaky = async (): Promise<string> => {
        calls += 1
        if (calls === 1) throw new Error('refused')
        return 'ok'
      }
      await settlesInTime(time, retried.run(flaky), 'ok')
    },
    'a deadline': async (time) => {
      await settlesInTime(time, plain.run(never, { deadline: WAIT_MS }), 'DEADLINE_EXCEEDED')
    },
    'a hedge': async (time) => {
      let calls = 0
      const slow = (): Promise<string> => {
        calls += 1
        return calls === 1 ? never() : Promise.resolve('ok')
      }
      await settlesInTime(time, hedged.run(slow), 'ok')
    },
    'the clock': async (time) => {
      const before = systemClock.now()
      await time.pass(WAIT_MS)
      const passedMs = systemClock.now() - before
      if (time.exact) assert.equal(passedMs, WAIT_MS)
      else assert.ok(passedMs >= WAIT_MS - 2 && passedMs < 5_000)
    },
    'a virtual clock': async () => {
      const clock = virtualClock()
      const call = watch(shield({ name: 'virtual', clock }, timeout('1h')).run(never))
      await clock.advance('1h')
      assert.equal(call(), 'TIMEOUT')
    },
  }
}

/** A tool that fakes time. */
export interface FakeTool {
  enable(): void
  tick(ms: number): Promise<void>
  reset(): void
  /** The tool fakes `setTimeout` alone: waits move, and elapsed time is real. */
  readonly waitsOnly?: boolean
}

// Stored before any tool replaces them.
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis

/** Scenarios in which time passes without a wait. */
const ELAPSED = ['a cache', 'the clock']

/** Runs all scenarios in the time that is in force: real or fake. */
export async function runAll(all: ReturnType<typeof scenarios>, tool: FakeTool | undefined): Promise<void> {
  if (tool === undefined) {
    await Promise.all(Object.entries(all).map(([name, run]) => named(name, run(REAL_TIME))))
    return
  }
  // One after the other, because each moves the fake time.
  for (const [name, run] of Object.entries(all)) {
    if (!tool.waitsOnly || !ELAPSED.includes(name)) await named(name, run(fakeTime(tool)))
  }
}

const REAL_TIME: Time = { exact: false, pass: (ms) => new Promise((resume) => setTimeout(resume, ms)) }

function fakeTime(tool: FakeTool): Time {
  return { exact: !tool.waitsOnly, pass: (ms) => tool.tick(ms) }
}

async function named(name: string, running: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = realSetTimeout(() => reject(new Error('does not end')), 10_000)
  })
  try {
    await Promise.race([running, late])
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
  } finally {
    if (timer !== undefined) realClearTimeout(timer)
  }
}
