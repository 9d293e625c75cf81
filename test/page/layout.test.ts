import { appendFile, copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import { ROOT } from '../shop/helpers/processes.ts'
import { findings } from './helpers/axe.ts'
import { isSkipped, type Opened, open } from './helpers/browser.ts'
import { requestLine } from './helpers/dashboard.ts'
import { writeSpan } from './helpers/fleet.ts'
import { type FolderDashboard, startOnFolder } from './helpers/folder.ts'
import { layoutFaults } from './helpers/layout.ts'

// Every state and view of the page, wide and narrow, light and dark, in both languages: nothing is cut, nothing covers
// anything, and axe finds nothing.

let dashboard: FolderDashboard | undefined
let opened: Opened | undefined
afterEach(async () => {
  await opened?.close()
  await dashboard?.remove()
  opened = undefined
  dashboard = undefined
})

const LOOKS = [
  [1440, 'light', 'en'],
  [1440, 'dark', 'es'],
  [390, 'light', 'es'],
  [390, 'dark', 'en'],
] as const
const WILD = join(ROOT, 'packages/dashboard/src/lines/test/wild')
const LONG = 'payments-gateway-of-the-european-central-region-1-production'
const PATH = '/api/v3/organisations/reservations-of-every-warehouse/adjustments-with-a-name-that-is-not-short/lines'

/** One service fails, another one has long names, and a breaker has each state. */
async function writeTrouble(folder: string): Promise<void> {
  const now = Date.now()
  await writeSpan(folder, now - 150_000, now - 60_000)
  await writeSpan(folder, now - 60_000, now, { failing: 0.7 })
  const lines = Array.from({ length: 1_100 }, (_, at) =>
    requestLine({
      timestamp: new Date(now - at * 50).toISOString(),
      service: LONG,
      path: PATH,
      status_code: at % 2 === 0 ? 500 : 200,
      latency_ms: 1_234,
      error_code: 'NO_CONNECTION_TO_THE_DATABASE_OF_THE_WAREHOUSE_ALLOCATION_SERVICE',
      detail: `${'x'.repeat(150)} took too long`,
      trace_id: `${at}`.padStart(32, '0'),
    }),
  )
  const change = {
    event: 'circuit_breaker.state_change',
    policy: 'breaker',
    status_code: undefined,
    latency_ms: undefined,
  }
  const opening = {
    from: 'closed',
    to: 'open',
    reason: 'half of the calls failed',
    failures: 5,
    calls: 10,
    trace_id: '1',
  }
  const breakers = [
    { ...opening, shield: 'inventory' },
    { from: 'open', to: 'half-open', shield: 'the-stock-of-every-warehouse-in-all-of-europe' },
    { from: 'closed', to: 'isolated', shield: 'tax', reason: 'maintenance' },
    { from: 'open', to: 'closed', shield: 'mail' },
  ].map((fields) => requestLine({ ...change, ...fields, timestamp: new Date(now - 30_000).toISOString() }))
  await writeFile(join(folder, `${LONG}.jsonl`), [...lines, ...breakers].join(''))
}

async function writeWild(folder: string): Promise<void> {
  for (const name of await readdir(WILD))
    if (name.endsWith('.log')) await copyFile(join(WILD, name), join(folder, name))
  await writeFile(join(folder, 'own.log'), `user 42 bought ${'a-very-long-potion-name-'.repeat(12)}; took=12\n`)
  await writeFile(join(folder, 'pretty.json'), '{\n  "a": 1\n}\n')
}

const press = (key: string) => (page: Page) => page.keyboard.press(key)

interface View {
  readonly name: string
  readonly query?: string
  /** What a user does to see it. */
  readonly show?: (page: Page) => Promise<unknown>
}

const VIEWS: readonly View[] = [
  { name: 'all of it' },
  { name: 'paused', show: press(' ') },
  { name: 'tables', show: press('t') },
  { name: 'help', show: press('?') },
  { name: 'codes on a logarithmic axis', query: '&by=code&axis=log' },
  { name: 'an empty range', query: '&from=2026-01-01T10:00:00.000Z&to=2026-01-01T11:00:00.000Z' },
  { name: 'seven days with hops', query: '&range=604800&hops=1' },
  {
    name: 'a filter of the page and of the tail',
    query: `&service=${LONG}&route=${encodeURIComponent(PATH)}`,
    show: (page) => page.locator('#filter').fill('no line has this'),
  },
  {
    name: 'all rows and all files',
    show: async (page) => {
      await page.locator('#sources summary').click()
      const more = page.locator('button[aria-expanded="false"]:visible')
      while ((await more.count()) > 0) await more.first().click()
    },
  },
  {
    name: 'a trace with all fields',
    show: async (page) => {
      await page.locator('[data-action="trace"]').click()
      await page.locator('.trace-lines summary').first().click()
      await page.locator('.fields').first().waitFor()
    },
  },
  {
    name: 'a trace that is not there',
    query: '&trace=none',
    show: (page) => page.locator('.drawer [role=alert]').waitFor(),
  },
]

type Look = (typeof LOOKS)[number]

/** Shows a view in one page: a browser for each would take most of the time. */
async function show(url: string, { query = '', show: act }: View, [width, colorScheme, language]: Look): Promise<Page> {
  opened ??= await open('about:blank')
  const { page } = opened
  await page.setViewportSize({ width, height: 900 })
  await page.emulateMedia({ colorScheme })
  await page.goto(`${url}?lang=${language}${query}`)
  await page.locator('.verdict:not(.loading)').waitFor()
  await act?.(page)
  return page
}

async function expectNoFault(page: Page, what: string): Promise<void> {
  expect(await layoutFaults(page), what).toEqual([])
  expect(opened?.problems.filter((problem) => !problem.includes('404'))).toEqual([])
}

describe.skipIf(isSkipped)('the layout', () => {
  it('has no fault in any view of thirty services with trouble and long names', { timeout: 180_000 }, async () => {
    dashboard = await startOnFolder(writeTrouble)
    for (const [at, view] of VIEWS.entries()) {
      // Each view in a wide and a narrow look; all looks are seen.
      for (const look of [LOOKS[at % 2], LOOKS[2 + (at % 2)]] as const) {
        if (look === undefined) continue
        const page = await show(dashboard.url, view, look)
        await expectNoFault(page, `${view.name}: ${look.join()}`)
        if (look === LOOKS[at % 4]) expect(await findings(page), view.name).toEqual([])
      }
    }
  })

  it.each([
    ['files in all formats, some unknown', writeWild],
    ['one request', (folder: string) => writeFile(join(folder, 'shop.jsonl'), requestLine({ status_code: 503 }))],
    ['no file', async () => {}],
    ['an empty file', (folder: string) => writeFile(join(folder, 'shop.jsonl'), '')],
    ['a clock that is ahead', (folder: string) => writeAhead(folder)],
  ] as const)('has no fault with %s', { timeout: 60_000 }, async (name, prepare) => {
    dashboard = await startOnFolder(prepare)
    for (const look of [LOOKS[0], LOOKS[2]]) await expectNoFault(await show(dashboard.url, { name }, look), look.join())
    expect(await findings((opened as Opened).page)).toEqual([])
  })

  it('has no fault while the dashboard cannot be reached', { timeout: 60_000 }, async () => {
    dashboard = await startOnFolder(writeTrouble)
    const page = await show(dashboard.url, { name: 'all of it' }, LOOKS[3])
    dashboard.process.send('SIGKILL')
    await page.locator('.verdict.lost').waitFor({ timeout: 20_000 })
    expect(await layoutFaults(page)).toEqual([])
    expect(await findings(page)).toEqual([])
  })
})

async function writeAhead(folder: string): Promise<void> {
  await writeSpan(folder, Date.now() - 20_000, Date.now())
  const ahead = new Date(Date.now() + 90_000).toISOString()
  await appendFile(join(folder, 'ahead.jsonl'), requestLine({ service: 'ahead', timestamp: ahead }).repeat(9))
}
