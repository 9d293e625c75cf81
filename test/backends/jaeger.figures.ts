// By hand: the trace of a request to the shop, sent with the code of docs/observability.md to a real Jaeger, and fetched
// back through its API. Jaeger listens on its default ports, where nothing else may listen.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { snippetsOf } from '../../tools/snippets/extract.ts'
import { ROOT, start, startScript, until } from '../shop/helpers/processes.ts'
import { ask } from '../shop/helpers/requests.ts'
import { type Service, services, untilReady } from '../shop/helpers/services.ts'
import { cleanUp } from '../shop/helpers/system.ts'
import { jaeger } from './helpers/backends.ts'
import { goProgram } from './helpers/go-build.ts'

const PAGE = 'docs/observability.md'
const ORIGIN = 'http://127.0.0.1:16686'

interface JaegerTrace {
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
  readonly spans: readonly {
    readonly spanID: string
    readonly processID: string
    readonly operationName: string
    readonly references: readonly { readonly spanID: string }[]
    readonly tags: readonly { readonly key: string; readonly value: unknown }[]
    readonly logs: readonly { readonly fields: readonly { readonly key: string; readonly value: unknown }[] }[]
  }[]
}

mkdirSync(join(ROOT, 'dist'), { recursive: true })
const folder = mkdtempSync(join(ROOT, 'dist', 'traces-'))
let program: string | undefined
beforeAll(async () => {
  program = await goProgram(jaeger)
}, jaeger.buildMsMax + 20_000)
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await cleanUp()
})

/** Writes the code of the page. It names one service; each of the shop's services has its own name. */
function telemetryFile(): string {
  const found = snippetsOf({ path: PAGE, text: readFileSync(join(ROOT, PAGE), 'utf8') })
  const code = found.find((snippet) => snippet.code.includes('NodeSDK'))?.code as string
  const file = join(folder, 'telemetry.ts')
  writeFileSync(file, code.replace("'potion-shop'", 'process.env.SERVICE'))
  return file
}

/** The tree of spans below a parent: service, name and status of each, with its children. */
function tree({ spans, processes }: JaegerTrace, parent: string | undefined): unknown[] {
  const nodes = spans
    .filter(({ references }) => references[0]?.spanID === parent)
    .map((span) => {
      const tags = new Map(span.tags.map(({ key, value }) => [key, value]))
      const names = [processes[span.processID]?.serviceName, tags.get('span.kind'), span.operationName]
      const count = tags.get('http.request.resend_count')
      const resent = count === undefined ? [] : [`resent ${count}`]
      const text = [...names, tags.get('http.response.status_code'), ...resent].join(' ')
      return [text, ...tree({ spans, processes }, span.spanID)]
    })
  return nodes.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

test('Jaeger has the whole trace of /product-details, with a retry and the fallback', async ({ skip }) => {
  const backend = start(program ?? skip('Jaeger is not built'), [], {})
  try {
    let hasEnded = false
    void backend.exit.then(() => {
      hasEnded = true
    })
    await until('Jaeger to be ready', async () => {
      if (hasEnded) throw new Error(`Jaeger ended: ${backend.stderr().slice(-2_000)}`)
      return await fetch(ORIGIN + jaeger.readyPath).then(
        ({ ok }) => ok,
        () => false,
      )
    })
    const all = await services()
    const options = `--conditions=@escudo/source --import=${pathToFileURL(telemetryFile()).href}`
    const startTraced = async (service: Service): Promise<void> => {
      const { path, env } = all.script(service)
      startScript(path, [], { ...env, SERVICE: service, NODE_OPTIONS: options, OTEL_BSP_SCHEDULE_DELAY: '100' })
      await untilReady(all, service)
    }
    for (const service of ['inventory-service', 'product-service', 'potion-shop'] as const) await startTraced(service)

    const path = '/product-details/mana-potion'
    const healthy = await traceOf(await ask(all, 'potion-shop', path), 5)
    expect(tree(healthy, undefined)).toEqual([
      [
        'potion-shop server GET /product-details/:id 200',
        ['potion-shop client GET 200', ['inventory-service server GET /inventory/:id 200']],
        ['potion-shop client GET 200', ['product-service server GET /products/:id 200']],
      ],
    ])

    const fault = { method: 'PUT', body: '{"status":503}', headers: { 'content-type': 'application/json' } }
    expect((await ask(all, 'inventory-service', '/__faults', fault)).status).toBe(200)
    const answer = await ask(all, 'potion-shop', path)
    expect(answer.json.inventory.stock).toBeNull()
    const degraded = await traceOf(answer, 7)
    expect(tree(degraded, undefined)).toEqual([
      [
        'potion-shop server GET /product-details/:id 200',
        ['potion-shop client GET 200', ['product-service server GET /products/:id 200']],
        ['potion-shop client GET 503 resent 1', ['inventory-service server GET /inventory/:id 503']],
        ['potion-shop client GET 503', ['inventory-service server GET /inventory/:id 503']],
      ],
    ])
    expect(eventsOfRoot(degraded)).toEqual(['escudo.retry.attempt', 'escudo.fallback'])
  } finally {
    backend.send('SIGTERM')
    await backend.exit
  }
}, 120_000)

/** Waits until Jaeger has all spans of the trace of an answer. */
async function traceOf({ headers }: { readonly headers: Headers }, count: number): Promise<JaegerTrace> {
  const id = headers.get('x-trace-id')
  return await until(`the ${count} spans of ${id}`, async () => {
    const response = await fetch(`${ORIGIN}/api/traces/${id}`)
    if (!response.ok) return undefined
    const { data } = (await response.json()) as { readonly data: readonly JaegerTrace[] }
    const [trace] = data
    return trace !== undefined && trace.spans.length >= count && trace
  })
}

function eventsOfRoot({ spans }: JaegerTrace): readonly unknown[] {
  const root = spans.find(({ references }) => references.length === 0)
  return (root?.logs ?? []).map(({ fields }) => fields.find(({ key }) => key === 'event')?.value)
}
