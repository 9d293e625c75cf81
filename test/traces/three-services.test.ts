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

/** Ends the services, so that all spans are sent, and returns those of one trace. */
async function spansOfTrace(services: readonly Service[], traceId: string | null): Promise<readonly ReceivedSpan[]> {
  for (const service of services) expect(await service.stop(), service.errors()).toBe(0)
  return (receiver as Receiver).spans.filter((span) => span.traceId === traceId)
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

const CHAIN = [
  [
    'shop server GET /products/:id 200 unset',
    ['shop client GET 503 error', ['products server GET /products/:id 503 error']],
    [
      'shop client GET 200 unset resent 1',
      [
        'products server GET /products/:id 200 unset',
        ['products client GET 200 unset', ['inventory server GET /products/:id 200 unset']],
      ],
    ],
  ],
]

describe('docs/observability.md, wired as it says', () => {
  it('has at most ten lines, and no protocol or address', () => {
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(12)
    expect(code).not.toMatch(/http|4318/)
  })

  it('makes one trace across three services, with a span for each attempt', async () => {
    const chain = await startChain(named(code))
    const [shop] = chain
    const response = await fetch(`${shop.url}/products/mana-potion`)
    expect(response.status).toBe(200)
    const traceId = response.headers.get('x-trace-id')
    const spans = await spansOfTrace(chain, traceId)
    expect(tree(spans, undefined)).toEqual(CHAIN)
    expect(new Set(spans.map(({ scope }) => scope))).toEqual(new Set(['escudo']))
    // Every line of a request has the ids of its span.
    for (const service of chain) {
      for (const line of service.lines().filter(({ event }) => event === 'http.request')) {
        const span = spans.find(({ spanId }) => spanId === line['span_id'])
        expect(line).toMatchObject({ trace_id: traceId, service: span?.service })
        expect(line['parent_span_id'] ?? undefined).toBe(span?.parentSpanId)
      }
    }
    const [root] = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
    expect(root?.events.map(({ name, attributes }) => [name, attributes['escudo.shield']])).toEqual([
      ['escudo.retry.attempt', 'next'],
      ['escudo.fallback', 'reviews'],
    ])
    expect(JSON.stringify(spans)).not.toContain('secret')
  })

  it('records a bug as an exception', async () => {
    const chain = await startChain(named(code))
    const response = await fetch(`${chain[0].url}/bug`)
    const [span] = await spansOfTrace(chain, response.headers.get('x-trace-id'))
    expect(span).toMatchObject({ status: 'error', attributes: { 'error.type': 'INTERNAL_SERVER_ERROR' } })
    expect(span?.events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': 'a bug' } }])
  })
})

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

describe.each([[['http']], [['undici']], [['http', 'undici']]] as const)(
  'beside the instrumentation of %s',
  (names) => {
    it('makes the same trace, and no span twice', async () => {
      const chain = await startChain(instrumented(names))
      const response = await fetch(`${chain[0].url}/products/mana-potion`)
      expect(response.status).toBe(200)
      const spans = await spansOfTrace(chain, response.headers.get('x-trace-id'))
      expect(tree(spans, undefined)).toEqual(CHAIN)
      const adopted = (names as readonly string[]).includes('http')
      const scopes = new Map(spans.map(({ kind, scope }) => [kind, scope]))
      expect(scopes.get('server')).toBe(adopted ? '@opentelemetry/instrumentation-http' : 'escudo')
      expect(scopes.get('client')).toBe('escudo')
      const [root] = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
      expect(root?.events.map(({ name }) => name)).toEqual(['escudo.retry.attempt', 'escudo.fallback'])
    })

    it('leaves requests that do not go through escudo to it', async () => {
      const chain = await startChain(instrumented(names))
      const response = await fetch(`${chain[0].url}/plain`)
      const traceId = response.headers.get('x-trace-id')
      const spans = await spansOfTrace(chain, traceId)
      const clients = spans.filter(({ kind, service }) => kind === 'client' && service === 'shop')
      const hasUndici = (names as readonly string[]).includes('undici')
      expect(clients.map(({ scope }) => scope)).toEqual(hasUndici ? ['@opentelemetry/instrumentation-undici'] : [])
    })
  },
)
