import type { IncomingMessage, ServerResponse } from 'node:http'
import { html } from '../export/html.ts'
import type { Selection } from '../report/selection.ts'
import type { Range } from '../report/summary.ts'
import { SearchServer } from '../search/search-server.ts'
import type { Source } from '../source/source.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import { EngineError } from '../victoria-logs/engine-error.ts'
import { PAGE_FOLDER, readAssets } from './assets.ts'
import { download } from './exports.ts'
import { QueryError, rangeOfQuery, selectionOfQuery, viewOfQuery } from './query.ts'
import type { PageStream } from './stream.ts'
import { viewData } from './views.ts'

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}
const STREAM_HEADERS = { ...SECURITY_HEADERS, 'content-type': 'text/event-stream; charset=utf-8' }
/** When a page may try again after it was refused because too many are connected. */
const FULL_RETRY_MS = 30_000
const TRACES = '/api/traces/'
const LINES = '/api/lines/'
const TRACE_ID_CHARACTERS_MAX = 200
const SEARCH_BUSY: Reply = {
  ...json(503, { message: 'too many searches are running: try again in a moment' }),
  headers: { 'retry-after': '2' },
}

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers requests for the page and its data. */
export interface Pages {
  /**
   * Answers a request.
   *
   * @param path the path below that of the page: `/` is the page
   * @param hostIsKnown whether the `Host` header names this server
   */
  readonly answer: (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    hostIsKnown: boolean,
  ) => Promise<void>
  /** Ends the connections of all pages, and their searches. */
  readonly close: () => void
}

/**
 * Creates what answers requests. It serves the built page in `pageFolder`.
 *
 * @param leversOf a link, seen from the page, to the levers of the shields whose breakers it shows; undefined for none
 */
export async function createPages(
  source: Source,
  pageFolder: string = PAGE_FOLDER,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
  leversOf: () => string | undefined = () => undefined,
): Promise<Pages> {
  const assets = await readAssets(pageFolder)
  source.judgeBy(thresholds)
  const stream = source.openStream()
  const searches = new SearchServer((options) => source.search(options), source.clock)
  let isClosing = false

  const reply = async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<Reply> => {
    if (path === '/healthz') return json(200, { status: 'ok' })
    if (path === '/api/summary') return json(200, await source.totals(rangeOfQuery(query, source.clock())))
    if (path === '/api/health') return json(200, await source.health())
    if (path === '/api/search') {
      const found = await searches.whole(query, response)
      return found === undefined ? SEARCH_BUSY : json(200, found)
    }
    const data = await viewData(source, path, query, () => signalOf(response))
    if (data !== undefined) return json(200, data)
    const file = await download(source, path, query)
    if (file !== undefined) return { status: 200, ...file }
    if (path.startsWith(TRACES)) return await trace(source, path.slice(TRACES.length), query.get('facts') === '1')
    if (path.startsWith(LINES)) return await line(source, path.slice(LINES.length))
    const asset = assets.get(path)
    if (asset !== undefined && path === '/')
      return { status: 200, type: asset.type, body: withLevers(asset.body, leversOf()) }
    if (asset !== undefined) return { status: 200, type: asset.type, body: asset.body }
    if (path === '/') return text(503, 'the page is not built: run `npm ci` or `npm run prepare`; /api/summary works')
    return text(404, `not found: ${request.method}`)
  }

  const answer: Pages['answer'] = async (request, response, path, hostIsKnown) => {
    if (!hostIsKnown) return send(request, response, text(403, 'unknown host'))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return send(request, response, { ...text(405, 'method not allowed'), headers: { allow: 'GET, HEAD' } })
    }
    // A query may hold question marks.
    const url = request.url ?? '/'
    const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
    if (path.startsWith('/api/')) await source.ready
    try {
      const params = new URLSearchParams(query)
      if (path === '/api/search/stream' && request.method === 'GET') {
        if (!(await searches.stream(params, response, SECURITY_HEADERS))) send(request, response, SEARCH_BUSY)
        return
      }
      if (path !== '/api/stream') return send(request, response, await reply(request, response, path, params))
      const view = viewOfQuery(params, source.clock())
      // HEAD has the answer's headers only, and takes no place among the pages.
      if (request.method === 'HEAD') response.writeHead(200, STREAM_HEADERS).end()
      else openStream(stream, request, response, view, selectionOfQuery(params))
    } catch (error) {
      // After its head was sent, an answer can only be ended.
      if (response.headersSent) response.destroy()
      else if (error instanceof QueryError) send(request, response, json(400, { message: error.message }))
      else if (error instanceof EngineError) send(request, response, json(502, { message: error.message }))
      else if (isClosing) send(request, response, json(503, { message: 'the dashboard is closing' }))
      else send(request, response, text(500, 'the dashboard failed'))
    }
  }
  const close = (): void => {
    isClosing = true
    stream.close()
    searches.close()
  }
  return { answer, close }
}

/** Returns a signal that is cancelled when the client disconnects. */
function signalOf(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (response.destroyed) controller.abort()
  response.once('close', () => controller.abort())
  return controller.signal
}

/** Tells the page where the levers are. */
function withLevers(page: Buffer, link: string | undefined): Buffer | string {
  if (link === undefined) return page
  const { text: meta } = html`<meta name="escudo-levers" content="${link}">`
  return page.toString('utf8').replace('</head>', () => `${meta}</head>`)
}

async function trace(source: Source, encoded: string, withFacts: boolean): Promise<Reply> {
  const id = decoded(encoded)
  if (id === undefined || id === '' || id.length > TRACE_ID_CHARACTERS_MAX) {
    return json(400, { message: 'a trace id has 1 to 200 characters' })
  }
  const found = await source.trace(id, withFacts)
  return json(found.lines.length === 0 ? 404 : 200, found)
}

/** A line by its place, such as `3-1024-0-0`. */
async function line(source: Source, place: string): Promise<Reply> {
  if (!/^\d{1,15}(?:-\d{1,15}){3}$/.test(place))
    return json(400, { message: 'a line is four numbers, such as 1-0-0-0' })
  const [log = 0, offset = 0, lines = 0, record = 0] = place.split('-').map(Number)
  const found = await source.line([log, offset, lines, record])
  return found === undefined ? json(404, { message: 'the line is no longer there' }) : json(200, found)
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function openStream(
  stream: PageStream,
  request: IncomingMessage,
  response: ServerResponse,
  view: number | Range,
  selection: Selection,
): void {
  response.writeHead(200, STREAM_HEADERS)
  response.write('retry: 1000\n\n')
  // A browser that ignores the event must not reconnect every second.
  if (!stream.add(response, view, selection)) response.end(`retry: ${FULL_RETRY_MS}\nevent: full\ndata: {}\n\n`)
  request.socket.setNoDelay(true)
}

function json(status: number, value: object): Reply {
  return { status, type: 'application/json', body: JSON.stringify(value) }
}

function text(status: number, body: string): Reply {
  return { status, type: 'text/plain', body }
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return
  response.writeHead(reply.status, {
    ...SECURITY_HEADERS,
    'content-type': `${reply.type}; charset=utf-8`,
    'content-length': Buffer.byteLength(reply.body),
    ...reply.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : reply.body)
}
