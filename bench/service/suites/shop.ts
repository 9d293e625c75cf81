import { compileCache, memoryFlags } from '../../../examples/potion-shop/src/supervisor/processes.ts'
import type { Target } from '../load.ts'
import type { Case, Suite } from '../measure.ts'
import { freePort, scriptOf } from '../processes.ts'
import type { Server, Stage } from '../stage.ts'

/** The requests to the shop. */
export const SHOP_TARGETS = {
  ok: { path: '/items/item1', method: 'GET', status: 200, contains: 'item1' },
  missing: { path: '/items/item_NO_EXISTE', method: 'GET', status: 404, contains: 'ITEM_NOT_FOUND' },
  open: { path: '/call-external', method: 'GET', status: 503, contains: 'CIRCUIT_OPEN' },
} as const satisfies Readonly<Record<string, Target>>

/** The names of the groups. */
export const SHOP_OK = 'shop: GET 200'
export const SHOP_MISSING = 'shop: business error, 404'
export const SHOP_OPEN = 'shop: open circuit, 503'
/** The name of the shop in the report. */
export const SHOP = 'potion-shop'

const GROUPS: Readonly<Record<string, keyof typeof SHOP_TARGETS>> = {
  [SHOP_OK]: 'ok',
  [SHOP_MISSING]: 'missing',
  [SHOP_OPEN]: 'open',
}

/** What an error costs in a whole service: the potion shop, with its log file and its metrics. */
export const shop: Suite = {
  groups: Object.keys(GROUPS),
  baselineOf: () => ({ group: SHOP_OK, by: SHOP }),
  async cases(stage, groups) {
    const server = await startShop(stage)
    const cases: Case[] = []
    for (const group of groups) cases.push(await shopCase(stage, server, group, GROUPS[group] ?? 'ok'))
    return cases
  },
}

/** Starts the shop without its dependencies: calls to them are refused. */
export async function startShop(stage: Stage): Promise<Server> {
  const flaky = await freePort()
  return await stage.server((port) => ({
    name: SHOP,
    // As `npm start` does. Without the cache, the process keeps the compiler of TypeScript in its memory.
    env: compileCache(process.env),
    args: [
      ...memoryFlags(process.env),
      scriptOf('../../examples/potion-shop/src/shop/main.ts'),
      ...['--port', String(port), '--flaky-port', String(flaky), '--log-file', stage.logFile(SHOP)],
      ...['--admin-token', ADMIN_TOKEN],
    ],
  }))
}

/** The case of one kind of request to a started shop. */
export async function shopCase(
  stage: Stage,
  server: Server,
  group: string,
  kind: keyof typeof SHOP_TARGETS,
): Promise<Case> {
  if (kind === 'open') await openCircuit(server)
  const run = await stage.loadOf(server, SHOP_TARGETS[kind])
  const prepare = { prepare: () => openCircuit(server) }
  return { group, by: SHOP, measured: server, logFile: stage.logFile(SHOP), run, ...(kind === 'open' ? prepare : {}) }
}

const ADMIN_TOKEN = 'bench-admin'
const CALLS_UNTIL_OPEN_MAX = 10

/** Opens the circuit by failing calls. It closes it first, so that it stays open for the whole ten seconds. */
async function openCircuit({ origin }: Server): Promise<void> {
  const reset = await fetch(`${origin}/admin/shields/external/circuitBreaker`, {
    method: 'POST',
    headers: { 'x-token': ADMIN_TOKEN, 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'reset' }),
  })
  if (!reset.ok) throw new Error(`the circuit of the shop was not reset: ${reset.status} ${await reset.text()}`)
  await reset.text()
  await callUntilOpen(origin)
}

/** Calls the dependency until the answer is 503. */
export async function callUntilOpen(origin: string): Promise<void> {
  for (let calls = 0; calls < CALLS_UNTIL_OPEN_MAX; calls += 1) {
    const response = await fetch(origin + SHOP_TARGETS.open.path)
    await response.text()
    if (response.status === SHOP_TARGETS.open.status) return
  }
  throw new Error(`${origin}: the circuit did not open`)
}
