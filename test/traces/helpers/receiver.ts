// A receiver of OTLP: a real HTTP server that keeps the spans which the official SDK sends as JSON.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A span as it is on the wire, with its attributes as an object. */
export interface ReceivedSpan {
  readonly service: string
  readonly scope: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client'
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly status: 'unset' | 'ok' | 'error'
  readonly attributes: Attributes
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[]
}

type Attributes = Readonly<Record<string, unknown>>

export interface Receiver {
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const spans: ReceivedSpan[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (request.url === '/v1/traces') {
      const body = Buffer.concat(chunks).toString()
      spans.push(...readSpans(JSON.parse(body)))
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, close }
}

interface Value {
  readonly stringValue?: string
  readonly intValue?: number | string
  readonly doubleValue?: number
  readonly boolValue?: boolean
}

type WireAttributes = readonly { readonly key: string; readonly value: Value }[] | undefined

interface WireSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes?: WireAttributes
  readonly status?: { readonly code?: number }
  readonly events?: readonly { readonly name: string; readonly attributes?: WireAttributes }[]
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes?: WireAttributes }
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly WireSpan[] }[]
  }[]
}

const KINDS = ['internal', 'internal', 'server', 'client'] as const
const STATUSES = ['unset', 'ok', 'error'] as const

function readSpans({ resourceSpans }: Export): readonly ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(read(resource.attributes)['service.name'])
    return scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        service,
        scope: scope.name,
        name: span.name,
        kind: KINDS[span.kind] ?? 'internal',
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId === '' ? undefined : span.parentSpanId,
        status: STATUSES[span.status?.code ?? 0] ?? 'unset',
        attributes: read(span.attributes),
        events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: read(attributes) })),
      })),
    )
  })
}

function read(attributes: WireAttributes): Attributes {
  return Object.fromEntries(
    (attributes ?? []).map(({ key, value }) => {
      const { stringValue, intValue, doubleValue, boolValue } = value
      return [key, stringValue ?? boolValue ?? doubleValue ?? Number(intValue)]
    }),
  )
}
