// docs/observability.md, "Traces": its code is started with three services, and a receiver of OTLP gets their spans.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { snippetsOf } from '../../tools/snippets/extract.ts'
import { ROOT } from '../shop/helpers/processes.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './helpers/receiver.ts'
import { endServices, type Service, startService } from './helpers/services.ts'

const PAGE = 'docs/observability.md'
mkdirSync(join(ROOT, 'dist'), { recursive: true })
// In the repository, so that the code finds its packages.
const folder = mkdtempSync(join(ROOT, 'dist', 'traces-'))
const telemetry = join(folder, 'telemetry.ts')
const code = snippetsOf({ path: PAGE, text: readFileSync(join(ROOT, PAGE), 'utf8') }).find((snippet) =>
  snippet.code.includes('NodeSDK'),
)?.code as string

let receiver: Receiver | undefined

afterEach(async () => {
  endServices()
  await receiver?.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Starts inventory, products and shop, each the dependency of the next one. The products fail once. */
async function startChain(setup: string): Promise<readonly [shop: Service, products: Service, inventory: Service]> {
  writeFileSync(telemetry, setup)
  receiver = await startReceiver()
  const { url } = receiver
  const inventory = await startService(telemetry, { SERVICE: 'inventory' }, url)
  const products = await startService(telemetry, { SERVICE: 'products', NEXT: inventory.url, FAILURES: '1' }, url)
  const shop = await startService(telemetry, { SERVICE: 'shop', NEXT: products.url }, url)
  return [shop, products, inventory]
}

/** The tree of spans below a parent: service, name and kind of each, with its children. */
function tree(spans: readonly ReceivedSpan[], parent: string | undefined): unknown[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .map(({ service, name, kind, status, attributes, spanId }) => {
      const count = attributes['http.request.resend_count']
      const text = [service, kind, name, attributes['http.response.status_code'], status].join(' ')
      return [count === undefined ? text : `${text} resent ${count}`, ...tree(spans, spanId)]
    })
}

// The code names its service; three services need three names.
const named = (text: string) => text.replace("'potion-shop'", 'process.env.SERVICE')

const PRODUCTS_ASK_INVENTORY = ['products client GET 200 unset', ['inventory server GET /products/:id 200 unset']]

const CHAIN = [
  [
    'shop server GET /products/:id 200 unset',
    ['shop client GET 503 error', ['products server GET /products/:id 503 error']],
    ['shop client GET 200 unset resent 1', ['products server GET /products/:id 200 unset', PRODUCTS_ASK_INVENTORY]],
  ],
]

/** What a client of the shop makes of one request to the products. */
const CALL = ['shop client GET 200 unset', ['products server GET /products/:id 200 unset', PRODUCTS_ASK_INVENTORY]]
const INSTRUMENTATIONS = {
  http: ['HttpInstrumentation', '@opentelemetry/instrumentation-http'],
  undici: ['UndiciInstrumentation', '@opentelemetry/instrumentation-undici'],
} as const

/** The code of the page, with official instrumentations. */
function instrumented(names: readonly (keyof typeof INSTRUMENTATIONS)[]): string {
  const imports = names.map((name) => `import { ${INSTRUMENTATIONS[name].join(" } from '")}'\n`)
  const list = names.map((name) => `new ${INSTRUMENTATIONS[name][0]}()`).join(', ')
  return imports.join('') + named(code).replace('.SERVICE }', `.SERVICE, instrumentations: [${list}] }`)
}

/** Sends requests to the shop, ends all services, and returns the spans of each request. */
async function tracesOf(setup: string, paths: readonly string[]) {
  const chain = await startChain(setup)
  const ids: (string | null)[] = []
  for (const path of paths) {
    const response = await fetch(chain[0].url + path)
    await response.text()
    ids.push(response.headers.get('x-trace-id'))
  }
  for (const service of chain) expect(await service.stop(), service.errors()).toBe(0)
  const { spans } = receiver as Receiver
  return { chain, traces: ids.map((id) => spans.filter(({ traceId }) => traceId === id)) }
}

const shopScopes = (spans: readonly ReceivedSpan[]) =>
  spans.filter(({ service }) => service === 'shop').map(({ kind, scope }) => `${kind} ${scope}`)

it('has the code in ten lines, without protocol and address', () => {
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(12)
  expect(code).not.toMatch(/http|4318/)
})

it('makes one trace across three services, with a span for each attempt, when wired as the page says', async () => {
  const { chain, traces } = await tracesOf(named(code), ['/products/mana-potion', '/bug'])
  const [spans = [], bugs = []] = traces
  expect(tree(spans, undefined)).toEqual(CHAIN)
  expect(new Set(spans.map(({ scope }) => scope))).toEqual(new Set(['escudo']))
  const [root] = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
  expect(root?.events.map(({ name, attributes }) => [name, attributes['escudo.shield']])).toEqual([
    ['escudo.retry.attempt', 'next'],
    ['escudo.fallback', 'reviews'],
  ])
  expect(JSON.stringify(spans)).not.toContain('secret')

  // Every line of a request has the ids of its span.
  const lines = chain.flatMap((service) => service.lines()).filter(({ event }) => event === 'http.request')
  expect(lines).toHaveLength(5)
  for (const line of lines) {
    const span = [...spans, ...bugs].find(({ spanId }) => spanId === line['span_id'])
    expect(line).toMatchObject({ trace_id: span?.traceId, service: span?.service })
    expect(line['parent_span_id'] ?? undefined).toBe(span?.parentSpanId)
  }

  expect(bugs).toMatchObject([{ status: 'error', attributes: { 'error.type': 'INTERNAL_SERVER_ERROR' } }])
  expect(bugs[0]?.events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': 'a bug' } }])
})

describe.each([[['http']], [['undici']], [['http', 'undici']]] as const)(
  'beside the instrumentation of %s',
  (names) => {
    it('makes the same traces, and no span twice', async () => {
      const paths = ['/products/mana-potion', '/undici', '/node-http', '/plain']
      const { traces } = await tracesOf(instrumented(names), paths)
      const [first = [], undici = [], nodeHttp = [], plain = []] = traces
      const server = (names as readonly string[]).includes('http')
        ? 'server @opentelemetry/instrumentation-http'
        : 'server escudo'

      expect(tree(first, undefined)).toEqual(CHAIN)
      expect(shopScopes(first).toSorted()).toEqual(['client escudo', 'client escudo', server].toSorted())
      const [root] = first.filter(({ parentSpanId }) => parentSpanId === undefined)
      expect(root?.events.map(({ name }) => name)).toEqual(['escudo.retry.attempt', 'escudo.fallback'])

      expect(tree(undici, undefined)).toEqual([['shop server GET /undici 200 unset', CALL, CALL, CALL]])
      expect(tree(nodeHttp, undefined)).toEqual([['shop server GET /node-http 200 unset', CALL]])

      // A request that does not use escudo belongs to the instrumentation.
      const hasUndici = (names as readonly string[]).includes('undici')
      const past = hasUndici ? ['client @opentelemetry/instrumentation-undici'] : []
      expect(shopScopes(plain).toSorted()).toEqual([...past, server].toSorted())
    })
  },
)
