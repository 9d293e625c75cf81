import { expect, test } from 'vitest'
import { type Figures, goalLines } from '../goals.ts'
import type { Measured, Round } from '../measure.ts'
import { markdown } from '../report.ts'
import { NAMES } from '../service.ts'

const round = (cpuUs: number, p99Ms = cpuUs, perSecond = 1e6 / cpuUs): Round => ({
  cpuUs,
  perSecond,
  p50Ms: 1,
  p99Ms,
  busy: 1,
})
const measured = (group: string, by: string, ...rounds: readonly Round[]): Measured => ({ group, by, rounds })

const REQUESTS = { 'GET 200': 115, 'POST validated': 115, 'error thrown, 404': 100, 'unknown route': 150 }

/** Figures exactly at the limit of every goal, or worse by a factor. */
function figures(worse = 1): Figures {
  const client = (by: string, cpuUs: number): Measured => measured('client: GET 200', by, round(cpuUs))
  return {
    results: [
      ...Object.entries(REQUESTS).flatMap(([name, limit]) => [
        measured(`requests: ${name}`, 'Fastify + log', round(100)),
        measured(`requests: ${name}`, 'escudo', round(limit * worse, 130 * worse)),
      ]),
      measured('shop: GET 200', 'potion-shop', round(100)),
      measured('shop: business error, 404', 'potion-shop', round(160 * worse)),
      measured('shop: open circuit, 503', 'potion-shop', round(160 * worse)),
      ...['GET 200', 'business error, 404', 'open circuit, 503'].flatMap((name) => [
        measured(`chapter: ${name}`, 'potion-shop', round(1, 1, 3_000 / worse)),
        measured(`chapter: ${name}`, 'FastAPI', round(1, 1, 1_000)),
      ]),
      client('fetch', 100),
      client('fetch, AbortController and timer', 100),
      client('resilientFetch, standard shield', 120 * worse),
      client('resilientRequest, standard shield', 50 * worse),
    ],
    memory: Array.from({ length: 11 }, (_, part) => ({
      requests: part,
      rssBytes: part <= 5 ? 200e6 / 1.1 : 200e6 * worse,
      heapBytes: 0,
    })),
    notes: [],
  }
}

test('meets every goal exactly at its limit, and misses it beyond', () => {
  const verdicts = (from: Figures): unknown => new Set(goalLines(from).map(({ verdict }) => verdict))
  expect(verdicts(figures())).toEqual(new Set(['met']))
  expect(verdicts(figures(1.02))).toEqual(new Set(['missed']))
})

test('has the goals of the project, each once', () => {
  const lines = goalLines(figures()).map(({ what, goal }) => `${what}: ${goal}`)
  expect(lines).toHaveLength(14)
  expect(new Set(lines).size).toBe(14)
})

test('uses the median of the ratios within the same round', () => {
  const results = [
    measured('requests: GET 200', 'Fastify + log', round(100), round(9_000), round(100)),
    measured('requests: GET 200', 'escudo', round(110), round(9_900), round(500)),
  ]
  expect(goalLines({ results, memory: [], notes: [] })[0]).toMatchObject({ shown: '1.10 ×', verdict: 'met' })
})

test('marks a comparison of latencies or requests a second if a process was not busy', () => {
  const shown = (busy: number): unknown[] => {
    const { results, ...rest } = figures()
    const slowed = results.map((one) => ({ ...one, rounds: one.rounds.map((each) => ({ ...each, busy })) }))
    return goalLines({ ...rest, results: slowed }).flatMap((line) => (line.shown?.endsWith('!') ? [line.what] : []))
  }
  expect(shown(0.9)).toEqual([])
  expect(shown(0.89)).toEqual([
    'requests: GET 200, p99 at full load',
    'chapter: GET 200',
    'chapter: business error, 404',
    'chapter: open circuit, 503',
  ])
})

test('distinguishes goals not measured from goals not available', () => {
  const verdicts = (notes: readonly string[]): string[] =>
    goalLines({ results: [], memory: [], notes })
      .filter(({ verdict }) => verdict !== 'not measured')
      .map(({ what, verdict }) => `${what}: ${verdict}`)
  expect(verdicts([])).toEqual([])
  expect(verdicts(['chapter: GET 200: not available: python3 was not found'])).toEqual([
    'chapter: GET 200: not available',
  ])
})

test('refers only to groups that exist', () => {
  const groups = new Set(figures().results.map(({ group }) => group))
  expect([...groups].filter((group) => !NAMES.includes(group))).toEqual([])
})

test('marks cases whose process was not busy, and shows ratios with their spread', () => {
  const idle = { ...round(50), busy: 0.5 }
  const results = [
    measured('g', 'base', round(100), round(100), round(100), round(100)),
    measured('g', 'other', round(100), round(200), round(300), round(400)),
    measured('g', 'idle', idle),
  ]
  const text = markdown(
    {
      ...{ node: 'v1', cpu: 'cpu', cores: 2, versions: {}, rounds: 4, roundMs: 500, pinning: 'pinned' },
      ...{ results, memory: [], goals: [], notes: [] },
    },
    () => ({ group: 'g', by: 'base' }),
  )
  const cells = (by: string): string[] => {
    const row = text.split('\n').find((line) => line.startsWith(`| g    | ${by}`)) ?? ''
    return row.split('|').map((cell) => cell.trim())
  }
  expect(cells('other').slice(3)).toEqual(['300.0', '200.0–400.0', '3.00 ×', '2.00–4.00', '5000', '100 %', ''])
  expect(cells('base').slice(5, 7)).toEqual(['1.00 ×', ''])
  expect(cells('idle')[8]).toBe('50 % !')
  expect(text).toContain('4 rounds of 0.5 s a case')
  expect(text).toContain('!: the measured process was busy for less than 90 %')
})
