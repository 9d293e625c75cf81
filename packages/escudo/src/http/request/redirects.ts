import { discard } from '../../core/engine/discard.ts'
import { type BodyChunks, chunksOf } from './body-chunks.ts'
import { type Buffered, bufferChunks } from './buffered-chunks.ts'
import { readInit } from './request-init.ts'

// `fetch` follows redirects by itself and sends the caller's headers to every origin, except the few that it knows. So
// a request whose headers must stay within some origins follows its redirects here, by the rules of the Fetch standard
// (HTTP-redirect fetch), until it leaves these origins. From there on `fetch` follows, without the headers.

const CONFINED = ['tracestate', 'baggage']
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie', 'host']
const OF_BODY = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const REDIRECTS_MAX = 20
// How much of the body of a Request is kept, in case a redirect asks for it again.
const SPARE_BYTES_MAX = 1_048_576

type Hop = RequestInit & { readonly headers: Headers }

/** Sends a request and follows its redirects. `tracestate` and `baggage` are sent only where `isOwn` returns true. */
export async function fetchConfined(
  send: typeof fetch,
  input: Request | string | URL,
  init: RequestInit,
  isOwn: (origin: string) => boolean,
): Promise<Response> {
  const given = input instanceof Request ? input : undefined
  let spare = given?.body != null && init.body == null ? new SpareBody(given) : undefined
  let url = new URL(given?.url ?? String(input))
  let hop: Hop = { ...init, headers: new Headers(init.headers), redirect: 'manual' }
  let response: Response
  try {
    response = await send(input, hop)
  } catch (error) {
    spare?.discard()
    throw error
  }
  for (let redirects = 0; ; redirects += 1) {
    const location = locationOf(response, url)
    if (location === undefined) {
      spare?.discard()
      return redirects === 0 ? response : asRedirected(response, 'basic')
    }
    discard(response)
    if (redirects === REDIRECTS_MAX) throw networkError('redirect count exceeded')
    if (!/^https?:$/.test(location.protocol)) throw networkError('URL scheme must be a HTTP(S) scheme')
    if (location.username !== '' || location.password !== '') throw networkError('the redirect URL has credentials')
    if (redirects === 0 && given !== undefined) hop = { ...readInit(given), ...hop }
    hop = await nextHop(hop, response.status, spare)
    spare = undefined
    if (location.origin !== url.origin) removeFrom(hop.headers, CREDENTIALS)
    url = location
    if (!isOwn(url.origin)) {
      removeFrom(hop.headers, CONFINED)
      return asRedirected(await send(url, { ...hop, redirect: 'follow' }), 'cors')
    }
    response = await send(url, hop)
  }
}

/** Returns the arguments of the next request: the same, or a GET without a body. */
async function nextHop(hop: Hop, status: number, spare: SpareBody | undefined): Promise<Hop> {
  const method = hop.method ?? 'GET'
  if (status !== 303 && hop.body instanceof ReadableStream) throw networkError('the body is a stream')
  const becomesGet =
    status === 303 ? method !== 'GET' && method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST'
  if (!becomesGet) return spare === undefined ? hop : { ...hop, body: await spare.bytes() }
  spare?.discard()
  removeFrom(hop.headers, OF_BODY)
  const { body: _, duplex: __, ...rest } = hop as Hop & { duplex?: unknown }
  return { ...rest, method: 'GET' }
}

/** The absolute target of a redirect; undefined for any other response. */
function locationOf(response: Response, base: URL): URL | undefined {
  if (!REDIRECT_STATUSES.has(response.status)) return undefined
  const header = response.headers.get('location')
  if (header === null) return undefined
  // A header holds bytes, and the bytes of a URL are UTF-8.
  const text = new TextDecoder().decode(Uint8Array.from(header, (character) => character.charCodeAt(0)))
  if (!URL.canParse(text, base.href)) throw networkError('the redirect URL is invalid')
  const location = new URL(text, base)
  if (location.hash === '') location.hash = base.hash
  return location
}

function removeFrom(headers: Headers, names: readonly string[]): void {
  for (const name of names) headers.delete(name)
}

function asRedirected(response: Response, type: Response['type']): Response {
  Object.defineProperty(response, 'redirected', { value: true, configurable: true })
  return response.type === 'basic'
    ? Object.defineProperty(response, 'type', { value: type, configurable: true })
    : response
}

/** A copy of the body of a Request. Only `fetch` knows whether it could send the body itself a second time. */
class SpareBody {
  readonly #chunks: BodyChunks
  readonly #buffered: Promise<Buffered | undefined>

  constructor(request: Request) {
    this.#chunks = chunksOf(request.clone().body as ReadableStream)
    this.#buffered = this.#read()
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const buffered = await this.#buffered
    if (buffered instanceof Uint8Array) return buffered
    throw networkError('the body cannot be sent again')
  }

  discard(): void {
    this.#chunks.cancel(undefined).catch(() => {})
  }

  async #read(): Promise<Buffered | undefined> {
    try {
      const buffered = await bufferChunks(this.#chunks, SPARE_BYTES_MAX)
      if (!(buffered instanceof Uint8Array)) this.discard()
      return buffered
    } catch {
      // The original fails too, and `fetch` reports it.
      return undefined
    }
  }
}

/** The error that `fetch` itself rejects with. */
function networkError(reason: string): TypeError {
  return new TypeError('fetch failed', { cause: new Error(reason) })
}
