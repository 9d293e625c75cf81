/** One thing to measure: `calls` calls one after the other, whose results come back so that no compiler drops them. */
export interface Case {
  /** What is measured: `five policies, success`. Cases of one group are compared with each other. */
  readonly group: string
  /** Who does it: `bare`, `escudo`, or a peer. */
  readonly by: string
  readonly run: (calls: number) => Promise<number>
  /** Ends what the case keeps running. */
  readonly close?: () => void
}

/** What was measured of one case. */
export interface Measured {
  readonly group: string
  readonly by: string
  /** Median over the rounds, nanoseconds a call. */
  readonly nsPerCall: number
  /** The median round's distance from the fastest and the slowest quarter, nanoseconds: how noisy the machine was. */
  readonly quartilesNs: readonly [number, number]
  /** Median over the rounds of this case's time by the time of the bare case of its group in the same round. */
  readonly timesBare: number | undefined
  /** Bytes allocated a call. */
  readonly bytesPerCall: number
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number
  readonly roundMs: number
  readonly onRound?: (round: number) => void
}

const WARM_UP_CALLS = 20_000
const ALLOCATION_CALLS = 2_000
const ALLOCATION_ROUNDS = 9

/**
 * Measures all cases in one process, interleaved: every round runs each case once, and each round begins with another
 * one, so that a slow moment of the machine, or what a neighbour leaves behind, falls on all alike.
 */
export async function measure(cases: readonly Case[], effort: Effort): Promise<Measured[]> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run with --expose-gc: allocations are measured between collections')

  const callsPerRound = new Map<Case, number>()
  for (const one of cases) {
    await one.run(WARM_UP_CALLS)
    const nsPerCall = await timeNs(one, WARM_UP_CALLS)
    callsPerRound.set(one, Math.max(100, Math.round((effort.roundMs * 1e6) / nsPerCall)))
  }

  const times = new Map<Case, number[]>(cases.map((one) => [one, []]))
  for (let round = 0; round < effort.rounds; round += 1) {
    effort.onRound?.(round)
    for (let place = 0; place < cases.length; place += 1) {
      const one = cases[(place + round) % cases.length] as Case
      times.get(one)?.push(await timeNs(one, callsPerRound.get(one) as number))
    }
  }

  const results: Measured[] = []
  for (const one of cases) {
    const own = times.get(one) as number[]
    const bare = cases.find((other) => other.group === one.group && other.by === 'bare')
    const ratios = bare === undefined ? [] : own.map((ns, round) => ns / (times.get(bare)?.[round] as number))
    results.push({
      group: one.group,
      by: one.by,
      nsPerCall: quantile(own, 0.5),
      quartilesNs: [quantile(own, 0.25), quantile(own, 0.75)],
      timesBare: ratios.length === 0 ? undefined : quantile(ratios, 0.5),
      bytesPerCall: await bytesPerCall(one, collect),
    })
  }
  for (const one of cases) one.close?.()
  return results
}

let consumed = 0

async function timeNs(one: Case, calls: number): Promise<number> {
  const startedMs = performance.now()
  consumed += await one.run(calls)
  return ((performance.now() - startedMs) * 1e6) / calls
}

/** What all cases returned, added up: printed, so that it had to be computed. */
export function consumedResults(): number {
  return consumed
}

async function bytesPerCall(one: Case, collect: () => void): Promise<number> {
  const samples: number[] = []
  for (let round = 0; round < ALLOCATION_ROUNDS; round += 1) {
    collect()
    const before = process.memoryUsage().heapUsed
    consumed += await one.run(ALLOCATION_CALLS)
    // Negative where a collection came in between: such a sample is below the median.
    samples.push((process.memoryUsage().heapUsed - before) / ALLOCATION_CALLS)
  }
  return quantile(samples, 0.5)
}

/** The value below which the share `q` of the samples lies. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}
