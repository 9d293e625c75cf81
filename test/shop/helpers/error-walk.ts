import { HOSTILE } from './hostile-requests.ts'
import { type Answer, askPort, posting } from './requests.ts'
import { DEPENDENCIES } from './restore.ts'
import type { Target } from './target.ts'
import { sendBytes } from './wire.ts'

// Traffic that provokes every error of every route of the shop: invalid requests, forbidden requests, and dependencies
// that fail in every way.

const TOKENS = [undefined, 'secreto123', 'admin123'] as const
const TOO_LONG = 'x'.repeat(9_000)
const TOO_LARGE = `"${'x'.repeat(1_100_000)}"`

/** Faults that return quickly. */
const FAULTS: readonly object[] = [
  ...[400, 404, 429, 500, 503].map((status) => ({ status })),
  { error: 'reset' },
  { body: 'corrupt' },
  { body: 'truncated' },
]
/** A latency above every timeout of the shop. */
const SLOW = { latency_ms: 15_000 }

const CALLERS = ['/call-service', '/call-service/', '/call-external', '/product-details/mana-potion'] as const

type Send = (path: string, init?: RequestInit) => Promise<Answer>

/** An operation of the OpenAPI document, with a concrete path. */
export interface Operation {
  readonly method: string
  readonly path: string
}

/**
 * Sends all the traffic.
 *
 * @param operations every operation of the document, so that a new route is covered automatically
 * @returns the answers of all requests except the hostile ones, which are raw bytes
 */
export async function walkErrors(all: Target, operations: readonly Operation[]): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const send: Send = async (path, init) => {
    const answer = await askPort(all.ports['potion-shop'], path, init)
    answers.push(answer)
    return answer
  }
  await Promise.all([
    ...operations.flatMap((operation) => TOKENS.map((token) => misuse(send, operation, token))),
    ...HOSTILE.map(([, bytes]) => sendBytes(all.ports['potion-shop'], bytes).catch(() => undefined)),
  ])
  await breakRules(send)
  await breakDependencies(all, send)
  return answers
}

/** Sends requests that are wrong for any route. */
async function misuse(send: Send, { method, path }: Operation, token: string | undefined): Promise<void> {
  const headers: Record<string, string> = token === undefined ? {} : { 'x-token': token }
  await send(`${path}?q=${TOO_LONG}`, { method, headers })
  const elsewhere = { ...headers, origin: 'https://evil.example' }
  if (path.startsWith('/admin/shields')) await send(path, { method, headers: elsewhere })
  if (method === 'GET') {
    for (const query of ['', '?limit=x&ms=x', '?limit=1000&ms=0']) await send(`${path}${query}`, { headers })
    await send(path, { method: 'HEAD', headers })
    return
  }
  const as = (type: string): Record<string, string> => ({ ...headers, 'content-type': type })
  // A valid body crashes the process of this route on purpose.
  const bodies = path === '/crash-demo' ? ['{', TOO_LARGE] : ['{', '{}', '[]', '5', TOO_LARGE]
  for (const body of bodies) await send(path, { method, headers: as('application/json'), body })
  await send(path, { method, headers: as('text/plain'), body: 'hola' })
  await send(path, { method, headers: as('application/json; charset=latin1'), body: '{}' })
}

/** Sends requests that break the business rules of the shop. */
async function breakRules(send: Send): Promise<void> {
  for (const item_id of ['SuperPocion', 'nada']) await send('/orders', posting({ item_id, cantidad: 10 }))
  for (const fecha of ['2001-01-01', '2099-12-30', '2099-12-31', '2099-12-29']) {
    await send('/tareas', posting({ titulo: 'x', fecha }))
  }
  for (const email of ['test@example.com', 'x', 'a@b', 'c@d']) await send('/users', posting({ email, nombre: 'T' }))
  for (const path of ['nada', 'flaky', 'nada/x', 'external/x', 'external/timeout']) await act(send, path, 'isolate')
}

async function breakDependencies(all: Target, send: Send): Promise<void> {
  const calls = (): Promise<unknown> =>
    Promise.all([...CALLERS, '/bulkhead-demo/a', '/bulkhead-demo/z'].map((path) => send(path)))
  const set = async (fault: object): Promise<void> => {
    for (const name of DEPENDENCIES) await askPort(all.ports[name], '/__faults', posting(fault, 'PUT'))
    for (const shield of ['external', 'products']) await act(send, `${shield}/circuitBreaker`, 'reset')
  }
  for (const fault of FAULTS) {
    await set(fault)
    await calls()
  }
  await set({ rate: 0 })
  await Promise.all(Array.from({ length: 12 }, () => send('/bulkhead-demo/b?ms=300')))
  for (const shield of ['external', 'products']) await act(send, `${shield}/circuitBreaker`, 'isolate')
  await calls()
  await set(SLOW)
  await calls()
}

function act(send: Send, path: string, action: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'x-token': 'admin123' }
  return send(`/admin/shields/${path}`, { method: 'POST', headers, body: JSON.stringify({ action }) })
}
