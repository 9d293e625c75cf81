import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, formProblem } from '../helpers/form.ts'
import { type Line, linesOf } from '../helpers/logs.ts'
import type { Running } from '../helpers/processes.ts'
import { type Answer, ask, setFault } from '../helpers/requests.ts'
import { DEPENDENCIES } from '../helpers/restore.ts'
import { runningShop } from '../helpers/running-shop.ts'
import { type Services, services } from '../helpers/services.ts'
import { traceOf } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.10: every dependency with every fault, over real sockets. The services run without a supervisor, so a killed
// service stays down until its case ends.

/** The faults. `killed` sends SIGKILL; all others use the fault switch. */
const FAULTS = {
  '503': { status: 503 },
  '500': { status: 500 },
  reset: { error: 'reset' },
  latency: { latency_ms: 5_000 },
  corrupt: { body: 'corrupt' },
  truncated: { body: 'truncated' },
  stall: { body: 'stall' },
  killed: 'SIGKILL',
} as const
type Fault = keyof typeof FAULTS

/** The expected outcome. */
interface Expected {
  readonly status: number
  readonly code: string | undefined
  /** A part of the body. */
  readonly body: object
  /** The longest time until the answer. */
  readonly withinMs: number
  /** A log line of the request's trace, and how often it occurs. */
  readonly line: { readonly event: string; readonly log_level: string; readonly count: number } & Partial<Line>
}

const isSlow = (fault: Fault): boolean => fault === 'latency' || fault === 'stall'

/** 4.7c: the page requires the product. Two seconds in total, one retry. */
function ofProduct(fault: Fault): Expected {
  const status = isSlow(fault) ? 504 : 502
  const code = isSlow(fault) ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_ERROR'
  const cause = fault === '503' || fault === '500' ? fault : 'sin respuesta'
  const body = isSlow(fault) ? {} : { message: `El servicio de productos falló: ${cause}` }
  const line = { event: 'http_error', log_level: 'error', count: 1, error_code: code }
  return { status, code, body, withinMs: isSlow(fault) ? 2_500 : 1_000, line }
}

/** 4.7b: the page does not require the stock. */
function ofInventory(fault: Fault): Expected {
  const body = { inventory: { stock: null, status: 'No se pudo verificar el stock' } }
  const line = { event: 'fallback', log_level: 'warning', count: 1, shield: 'inventory' }
  return { status: 200, code: undefined, body, withinMs: isSlow(fault) ? 2_500 : 1_000, line }
}

/** 4.4: three attempts of two seconds each, and delays of at most 200 and 400 ms between them. */
function ofFlaky(fault: Fault): Expected {
  const line = { event: 'retry.attempt', log_level: 'warning', count: 2, shield: 'flaky' }
  const body = { message: 'Servicio no disponible después de varios intentos', context: { attempts: 3 } }
  const withinMs = isSlow(fault) ? 7_500 : 1_600
  return { status: 503, code: 'UPSTREAM_UNAVAILABLE', body, withinMs, line }
}

const PAGE = '/product-details/mana-potion'
const ROWS = {
  'product-service': { row: '4.7c', path: PAGE, expected: ofProduct },
  'inventory-service': { row: '4.7b', path: PAGE, expected: ofInventory },
  'flaky-service': { row: '4.4b', path: '/call-service', expected: ofFlaky },
} as const
type Dependency = keyof typeof ROWS

const CELLS = DEPENDENCIES.flatMap((dependency) =>
  (Object.keys(FAULTS) as Fault[]).map((fault) => [dependency, fault, ROWS[dependency].row] as const),
)

let all: Target
/** Their services can be killed: the same as `all`, unless that is the running shop. */
let own: Services
const running = new Map<Dependency, Running>()
const seen = new Map<string, readonly [Answer, readonly Line[]]>()

beforeAll(async () => {
  own = await services()
  const start = async (name: Dependency): Promise<void> => void running.set(name, await own.start(name))
  await Promise.all([own.start('potion-shop'), ...DEPENDENCIES.map(start)])
  all = (await runningShop()) ?? own
  const provokeAll = async (...dependencies: readonly Dependency[]): Promise<void> => {
    for (const [dependency, fault] of CELLS) if (dependencies.includes(dependency)) await provoke(dependency, fault)
  }
  // The two pages share no dependency, so their slow cases can run in parallel.
  await Promise.all([provokeAll('product-service', 'inventory-service'), provokeAll('flaky-service')])
}, 90_000)
afterAll(async () => {
  await cleanUp()
  console.log(table())
})

/** Breaks a dependency, sends a request to the shop and fixes the dependency. */
async function provoke(dependency: Dependency, fault: Fault): Promise<void> {
  const { path } = ROWS[dependency]
  const how = FAULTS[fault]
  const target = how === 'SIGKILL' ? own : all
  if (how === 'SIGKILL') {
    running.get(dependency)?.send(how)
    await running.get(dependency)?.exit
  } else await setFault(target, dependency, how)
  const answer = await ask(target, 'potion-shop', path)
  if (how === 'SIGKILL') running.set(dependency, await own.start(dependency))
  // A fault with rate 0 also turns the random failures of the flaky service off.
  await setFault(target, dependency, { rate: 0 })
  seen.set(`${dependency} ${fault}`, [answer, await linesOf(target, 'potion-shop', traceOf(answer))])
  // The shop must use the fixed dependency immediately. These successful calls also keep the breaker closed, because
  // they keep the failure rate below its threshold.
  for (let i = 0; i < 4; i += 1) {
    const { status, json } = await ask(target, 'potion-shop', path)
    if (status !== 200 || json.inventory?.stock === null)
      throw new Error(`${dependency} did not recover after ${fault}`)
  }
}

test.each(CELLS)('4.10, $2: $0 × $1', (dependency, fault) => {
  const { status, code, body, withinMs, line } = ROWS[dependency].expected(fault)
  const [answer, lines] = seen.get(`${dependency} ${fault}`) as readonly [Answer, readonly Line[]]
  expect(formProblem(answer)).toBeUndefined()
  expect([answer.status, codeOf(answer)]).toEqual([status, code])
  expect(answer.json).toMatchObject(body)
  expect(answer.ms).toBeLessThan(withinMs)
  const { count, ...wanted } = line
  const found = lines.filter((one) => one['event'] === wanted.event && one['log_level'] === wanted.log_level)
  expect(found).toHaveLength(count)
  for (const one of found) expect(one).toMatchObject(wanted)
  expect(lines.filter((one) => one['event'] === 'http.request')).toMatchObject([{ status_code: status }])
  // An error answer logs one error line; a fallback answer logs none.
  expect(lines.filter((one) => one['event'] === 'http_error')).toHaveLength(status < 400 ? 0 : 1)
})

test('4.10: covers every dependency with every fault', () => {
  expect(seen.size).toBe(CELLS.length)
  expect(CELLS).toHaveLength(3 * 8)
})

function table(): string {
  const rows = CELLS.map(([dependency, fault]) => {
    const { withinMs, line } = ROWS[dependency].expected(fault)
    const [answer] = seen.get(`${dependency} ${fault}`) ?? []
    const took = `${answer?.ms.toFixed(0)} of ${withinMs} ms`
    return [dependency, fault, String(answer?.status), (answer && codeOf(answer)) ?? 'degraded', took, line.event]
  })
  const head = ['dependency', 'fault', 'status', 'code', 'time', 'line']
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [head, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}
