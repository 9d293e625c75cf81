import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Line } from '../helpers/logs.ts'
import { type Running, startScript, until } from '../helpers/processes.ts'
import { type Answer, clearFault, posting, setFault } from '../helpers/requests.ts'
import { administering } from '../helpers/restore.ts'
import { type Services, services } from '../helpers/services.ts'
import { type Shop, shopOf } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'

// The command line of escudo moves the levers of the shop while the shop has traffic: real processes and sockets.

const PAGE = '/product-details/mana-potion'
const EVERY_MS = 50
const INVENTORY = '/admin/shields/inventory/circuitBreaker'

let all: Services
let shop: Shop
let process: Running

beforeAll(async () => {
  all = await services()
  await Promise.all([all.start('product-service'), all.start('inventory-service')])
  process = await all.start('potion-shop')
  shop = shopOf(all)
})
afterAll(cleanUp)
beforeEach(async () => {
  await clearFault(all, 'inventory-service')
  await shop.ask(INVENTORY, administering({ action: 'reset' }))
})

const SETTINGS = { ESCUDO_TOKEN: 'admin123', NO_COLOR: '1' }

function startEscudo(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  return startScript('packages/cli/src/bin.ts', [...args, '--url', `http://127.0.0.1:${shop.port}`], {
    ...SETTINGS,
    ...env,
  })
}

async function escudo(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const running = startEscudo(args)
  const { code } = await running.exit
  return { code, out: running.stdout(), err: running.stderr() }
}

/** The lines of actions with this reason; waits for the first ones. A line is in its file within 500 ms. */
async function actions(reason: string, count = 1): Promise<readonly Line[]> {
  return await until(`${count} lines of ${reason}`, async () => {
    const lines = await linesOf(reason)
    return lines.length >= count && lines
  })
}

async function linesOf(reason: string): Promise<readonly Line[]> {
  return (await shop.lines()).filter((line) => line['event'] === 'admin.action' && line['reason'] === reason)
}

const stockOf = (answer: Answer): number | null => answer.json.inventory.stock
const page = (): Promise<Answer> => shop.ask(PAGE)
const withStock = async (): Promise<boolean> => stockOf(await page()) === 42

/** Requests the page all the time while `body` runs. Returns the answers. */
async function duringTraffic(body: () => Promise<void>): Promise<readonly Answer[]> {
  const pending: Promise<Answer>[] = []
  let ended = false
  const traffic = (async () => {
    while (!ended) {
      pending.push(page())
      await delay(EVERY_MS)
    }
  })()
  await body().finally(() => {
    ended = true
  })
  await traffic
  return await Promise.all(pending)
}

describe('the levers during traffic', () => {
  test('isolate, reset, trip and reconfigure change the next calls, and each is one log line', async () => {
    const answers = await duringTraffic(async () => {
      expect(await escudo('isolate', 'inventory', 'circuitBreaker', '--reason', 'e2e isolate')).toMatchObject({
        code: 0,
        out: expect.stringContaining('inventory circuitBreaker: state closed -> isolated\n'),
        err: '',
      })
      expect(await withStock()).toBe(false)
      expect((await escudo('status', 'inventory')).out).toMatch(/^inventory\n[\s\S]*circuitBreaker +isolated /)

      expect((await escudo('reset', 'inventory', '--reason', 'e2e reset')).code).toBe(0)
      expect(await withStock()).toBe(true)

      const opening = ['reconfigure', 'inventory', 'circuitBreaker', 'openFor=400ms', '--reason', 'e2e open']
      expect((await escudo(...opening)).out).toBe('inventory circuitBreaker: openFor 10s -> 400ms\n')
      const tripped = await escudo('trip', 'inventory', '--reason', 'e2e trip', '--json')
      expect(JSON.parse(tripped.out)).toMatchObject({
        shield: 'inventory',
        action: 'trip',
        outcome: 'done',
        after: { circuitBreaker: { state: 'open', reason: 'tripped manually: e2e trip' } },
      })
      // It recovers without an operator.
      await until('the circuit to close', withStock)
    })
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(stockOf))).toEqual(new Set([42, null]))
    for (const [reason, action, outcome] of [
      ['e2e isolate', 'isolate', 'done'],
      ['e2e reset', 'reset', 'done'],
      ['e2e open', 'reconfigure', 'done'],
      ['e2e trip', 'trip', 'done'],
    ] as const) {
      const shield = { actor: 'admin', shield: 'inventory' }
      expect(await actions(reason)).toEqual([
        expect.objectContaining({ ...shield, action, outcome, before: expect.anything(), after: expect.anything() }),
      ])
    }
  }, 60_000)

  test('a retry that is switched off is not made', async () => {
    const retries = async (): Promise<number> => {
      const lines = await shop.linesOf(await page())
      return lines.filter((line) => line['event'] === 'retry.attempt').length
    }
    await setFault(all, 'inventory-service', { status: 503 })
    expect(await retries()).toBe(1)
    expect((await escudo('reconfigure', 'inventory', 'retry', 'maxRetries=0', '--reason', 'off')).code).toBe(0)
    expect(await retries()).toBe(0)
    expect((await escudo('reconfigure', 'inventory', 'retry', 'maxRetries=null', '--reason', 'on')).code).toBe(0)
    expect(await retries()).toBeGreaterThan(0)
    const refused = await escudo('reconfigure', 'inventory', 'retry', 'maxRetries=many', '--reason', 'no number')
    expect([refused.code, refused.out]).toEqual([1, ''])
    expect(refused.err).toContain('/options/maxRetries: expected a whole number')
    expect(await actions('no number')).toMatchObject([{ outcome: 'refused', error_code: 'VALIDATION_ERROR' }])
  }, 60_000)

  test('two operators at the same time: the last one wins, and both are logged', async () => {
    const limits = ['3', '4'] as const
    const act = (limit: string) =>
      escudo('reconfigure', 'compartment-a', 'bulkhead', `limit=${limit}`, '--reason', 'e2e both')
    const ended = await Promise.all(limits.map(act))
    expect(ended.map(({ code }) => code)).toEqual([0, 0])
    const [first, last, ...others] = (await actions('e2e both', 2)) as readonly {
      readonly before: object
      readonly after: { readonly limit: number }
    }[]
    expect(others).toEqual([])
    expect(first).toMatchObject({ before: { limit: 5 } })
    expect(last?.before).toEqual(first?.after)
    expect((await escudo('status', 'compartment-a')).out).toContain(`limit ${last?.after.limit},`)
  }, 60_000)
})

test('only an operator acts, and no page of another origin', async () => {
  const anonymous = startEscudo(['isolate', 'inventory', '--reason', 'e2e none'], { ESCUDO_TOKEN: '' })
  const user = startEscudo(['isolate', 'inventory', '--reason', 'e2e none', '--token', 'secreto123'])
  expect([await anonymous.exit, await user.exit].map(({ code }) => code)).toEqual([1, 1])
  expect(anonymous.stderr()).toMatch(
    /Set ESCUDO_TOKEN, or use --token TOKEN\. \(401 AUTENTICACION_FALLIDA; trace \w{32}\)\n$/,
  )
  expect(user.stderr()).toMatch(/\(403 ACCESO_PROHIBIDO; trace \w{32}\)\n$/)
  const { headers, ...isolate } = administering({ action: 'isolate' })
  for (const more of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const answer = await shop.ask(INVENTORY, { ...isolate, headers: { ...(headers as object), ...more } })
    expect([answer.status, answer.json.error_code]).toEqual([403, 'CROSS_ORIGIN_REFUSED'])
  }
  const form = { ...posting({ action: 'isolate' }), headers: { 'x-token': 'admin123', 'content-type': 'text/plain' } }
  const refused = await shop.ask(INVENTORY, form)
  expect(refused.status).toBe(415)
  expect(await withStock()).toBe(true)
  // Only the form had the token of an operator.
  const lines = (await shop.linesOf(refused)).filter((line) => line['event'] === 'admin.action')
  expect(lines).toMatchObject([{ actor: 'admin', outcome: 'refused', error_code: 'UNSUPPORTED_MEDIA_TYPE' }])
  expect(await linesOf('e2e none')).toEqual([])
}, 60_000)

test('watch tells changes over a restart of the service, and ends on Ctrl-C with 0', async () => {
  const watch = startEscudo(['watch', 'inventory', '--interval', '0.1'])
  await until('the first look', () => watch.stdout().includes('inventory\n'))
  await shop.ask(INVENTORY, administering({ action: 'isolate' }))
  await until('the change', () => watch.stdout().includes(' inventory circuitBreaker: closed -> isolated\n'))
  process.send('SIGTERM')
  await process.exit
  await until('the problem', () => / no connection: ECONN\w+\. .*; trying again\n/.test(watch.stderr()))
  process = await all.start('potion-shop')
  await until('the restart', () => watch.stdout().includes(' inventory circuitBreaker: isolated -> closed\n'))
  expect(watch.stderr()).toContain(' the service answers again\n')
  watch.send('SIGINT')
  expect(await watch.exit).toEqual({ code: 0, signal: null })
  expect(watch.stdout()).not.toContain('\u001b')
}, 60_000)
