import { describe, expect, test, vi } from 'vitest'
import type { AnyPolicy } from '../../../core/policy.ts'
import {
  adaptiveLimiter,
  aimd,
  bulkhead,
  gradient2,
  type LimitAlgorithm,
  seededRandom,
  shield,
  vegas,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/index.ts'
import {
  constantTime,
  type Draw,
  exponentialTime,
  type Measurement,
  openLoop,
  QueueingServer,
  Recorder,
} from '../../test/queueing-server.ts'

/*
 * What "within 20 % of the best fixed limit" measures here.
 *
 * A server of 20 workers, 100 ms for each request, receives twice the load of its capacity. Arrivals are Poisson and
 * independent of the server. After the first phase half of the workers stop; after the second they return. Goodput is
 * the number of answers within the objective, as the caller sees it; a refusal is not an answer. A fixed limit is a
 * bulkhead in place of the adaptive limiter, in the same simulation with the same seeds. The best one is searched for
 * each phase separately, so the adaptive limiter is compared with a limit chosen by a user who knew the capacity of
 * that phase.
 *
 * Each phase lasts 60 s. The first 30 s are for convergence (a second is ten times the duration of a request); the rest
 * is measured. Latencies are bounded if 99 of 100 answers come within one and a half objectives.
 *
 * Results (goodput as a share of that of the best fixed limit, and the limit; best fixed: 26, then 12 or 20, then 26):
 *
 *   constant    AIMD 100 % at 27   100 % at 14   100 % at 27
 *               Vegas 98 % at 25    99 % at 16    98 % at 24
 *               Gradient2 99 % at 36  98 % at 20  99 % at 33
 *   memoryless  AIMD  92 % at 22   100 % at 13    98 % at 24
 *               Vegas 99 % at 33   100 % at 18    99 % at 33
 *               Gradient2 99 % at 36  100 % at 23  99 % at 47
 *
 * Netflix's rules with Netflix's defaults, reimplemented for this simulation:
 *
 *   call by call         AIMD 57, 60, 56 %   Vegas 87, 82, 87 %   Gradient2 43, 27, 43 %   (constant)
 *                        AIMD 72, 78, 69 %   Vegas 30, 61, 29 %   Gradient2 59, 97, 57 %   (memoryless)
 *   in windows of a second, as its WindowedLimit makes them: AIMD and Vegas 97 % and more, as here; Gradient2 100, 46,
 *   48 % with constant times, and 24, 0, 0 % if each phase lasts ten minutes: its baseline learns from its own queue.
 */
// A million simulated requests take several seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const SERVICE_MS = 100
const WORKERS = 20
const PHASE_MS = 60_000
const CONVERGENCE_MS = 30_000
const PHASES = ['under overload', 'after the capacity has halved', 'after it has recovered'] as const
const FIXED_LIMITS = [5, 8, 10, 12, 15, 18, 20, 23, 26, 30, 40, 60, 1_000]

interface Workload {
  readonly name: string
  readonly serviceTime: () => Draw
  /** For constant times, it allows a queue of one and a half service times; for memoryless ones, their tail. */
  readonly objectiveMs: number
  /** The timeout of AIMD: 60 % of the objective. */
  readonly timeoutMs: number
}

const WORKLOADS: readonly Workload[] = [
  { name: 'constant', serviceTime: () => constantTime(SERVICE_MS), objectiveMs: 250, timeoutMs: 150 },
  {
    name: 'memoryless',
    serviceTime: () => exponentialTime(SERVICE_MS, seededRandom(1)),
    objectiveMs: 500,
    timeoutMs: 300,
  },
]

const ALGORITHMS: readonly (readonly [name: string, (workload: Workload) => LimitAlgorithm])[] = [
  ['AIMD', ({ timeoutMs }) => aimd({ timeout: timeoutMs })],
  ['Vegas', () => vegas()],
  ['Gradient2', () => gradient2()],
]

interface Phase extends Measurement {
  /** The average limit during the measurement. */
  readonly limit: number
}

interface Scenario {
  readonly serviceTime: Draw
  readonly objectiveMs: number
  readonly phaseMs?: number
  readonly convergenceMs?: number
  readonly queueLimit?: number
  /** Changes the server at the beginning of each phase. */
  readonly phases: readonly ((server: QueueingServer) => void)[]
}

async function simulate(policy: AnyPolicy, scenario: Scenario): Promise<Phase[]> {
  const { phaseMs = PHASE_MS, convergenceMs = CONVERGENCE_MS, objectiveMs, serviceTime, queueLimit } = scenario
  const clock = virtualClock()
  const server = new QueueingServer({
    clock,
    workers: WORKERS,
    serviceTime,
    ...(queueLimit === undefined ? {} : { queueLimit }),
  })
  const guarded = shield({ name: 'server', clock }, policy as ReturnType<typeof bulkhead>)
  const limit = (): number => Number(guarded.status().policies[0]?.['limit'])
  const recorder = new Recorder(clock)
  const stop = openLoop({
    clock,
    interval: exponentialTime(SERVICE_MS / WORKERS / 2, seededRandom(2)),
    send: () => recorder.send(() => guarded.run(() => server.handle())),
  })
  const measured: Phase[] = []
  for (const [index, begin] of scenario.phases.entries()) {
    begin(server)
    await clock.advance(convergenceMs)
    const limits: number[] = []
    for (let ms = convergenceMs; ms < phaseMs; ms += 1_000) {
      await clock.advance(1_000)
      limits.push(limit())
    }
    const endMs = (index + 1) * phaseMs
    const measurement = recorder.measure(endMs - phaseMs + convergenceMs, endMs, objectiveMs)
    measured.push({ ...measurement, limit: limits.reduce((sum, limit) => sum + limit, 0) / limits.length })
  }
  stop()
  return measured
}

const HALVED_AND_RESTORED: Scenario['phases'] = [WORKERS, WORKERS / 2, WORKERS].map(
  (workers) => (server) => (server.workers = workers),
)

describe.each(WORKLOADS)('with $name service times', (workload) => {
  const scenario = (): Scenario => ({
    serviceTime: workload.serviceTime(),
    objectiveMs: workload.objectiveMs,
    phases: HALVED_AND_RESTORED,
  })

  // Simulated once for all algorithms.
  let fixed: Promise<Phase[][]> | undefined
  const simulateFixed = (): Promise<Phase[][]> => {
    fixed ??= Promise.all(FIXED_LIMITS.map((limit) => simulate(bulkhead({ limit }), scenario())))
    return fixed
  }
  const best = async (phase: number): Promise<Phase> =>
    (await simulateFixed())
      .map((phases) => phases[phase] as Phase)
      .reduce((best, phase) => (phase.goodputPerSecond > best.goodputPerSecond ? phase : best))

  test('finds the best fixed limit inside the range; without a limit, nearly no goodput is left', async () => {
    for (const phase of PHASES.keys()) {
      const { limit, goodputPerSecond } = await best(phase)
      expect(limit).toBeGreaterThan(FIXED_LIMITS[0] as number)
      expect(limit).toBeLessThanOrEqual(60)
      const unlimited = (await simulateFixed()).at(-1)?.[phase] as Phase
      expect(unlimited.goodputPerSecond).toBeLessThan(0.05 * goodputPerSecond)
    }
  })

  test.each(ALGORITHMS)(
    '%s keeps the goodput within 20 % of the best fixed limit, and bounds the latency',
    async (_, make) => {
      const phases = await simulate(adaptiveLimiter({ algorithm: make(workload) }), scenario())
      for (const [index, phase] of phases.entries()) {
        const { goodputPerSecond } = await best(index)
        expect({ phase: PHASES[index], share: phase.goodputPerSecond / goodputPerSecond }).toEqual({
          phase: PHASES[index],
          share: expect.toSatisfy((share: number) => share >= 0.8),
        })
        expect(phase.p99Ms).toBeLessThanOrEqual(1.5 * workload.objectiveMs)
      }
      // The limit follows the capacity; it is not one value that suits all phases.
      const [before, halved, after] = phases.map(({ limit }) => limit) as [number, number, number]
      expect(halved).toBeLessThan(0.75 * before)
      expect(after).toBeGreaterThan(1.25 * halved)
    },
  )
})

const [CONSTANT] = WORKLOADS as [Workload]

test.each(ALGORITHMS)('%s keeps its limit during an overload of thirteen minutes', async (_, make) => {
  const [early, late] = (await simulate(adaptiveLimiter({ algorithm: make(CONSTANT) }), {
    serviceTime: constantTime(SERVICE_MS),
    objectiveMs: CONSTANT.objectiveMs,
    phaseMs: 400_000,
    convergenceMs: 370_000,
    phases: [() => {}, () => {}],
  })) as [Phase, Phase]
  expect(late.limit / early.limit).toBeLessThan(1.1)
  expect(late.goodputPerSecond).toBeGreaterThan(0.8 * (1_000 / SERVICE_MS) * WORKERS)
})

test.each(ALGORITHMS.slice(1))(
  '%s adapts within 60 s when requests take twice as long, and when they recover',
  async (_, make) => {
    let slowness = 1
    const phases = await simulate(adaptiveLimiter({ algorithm: make(CONSTANT) }), {
      serviceTime: () => SERVICE_MS * slowness,
      objectiveMs: 4 * SERVICE_MS,
      phaseMs: 90_000,
      convergenceMs: 60_000,
      phases: [1, 2, 1].map((factor) => () => {
        slowness = factor
      }),
    })
    for (const [index, capacity] of [200, 100, 200].entries()) {
      expect((phases[index] as Phase).goodputPerSecond).toBeGreaterThan(0.8 * capacity)
    }
  },
)

test.each(ALGORITHMS)(
  '%s keeps the goodput if the server itself rejects requests when its queue is full',
  async (_, make) => {
    const phases = await simulate(adaptiveLimiter({ algorithm: make(CONSTANT) }), {
      serviceTime: constantTime(SERVICE_MS),
      objectiveMs: CONSTANT.objectiveMs,
      queueLimit: 10,
      phases: HALVED_AND_RESTORED,
    })
    for (const [index, capacity] of [200, 100, 200].entries()) {
      const { goodputPerSecond, ended, failed } = phases[index] as Phase
      expect(goodputPerSecond).toBeGreaterThan(0.8 * capacity)
      expect(failed / ended).toBeLessThan(0.12)
    }
  },
)
