import type { FirstRun, IdempotencyGuard } from '../idempotency/guard.ts'
import type { StoredAnswer } from '../idempotency/record.ts'
import { BODY_LIMIT } from '../json-body.ts'
import type { WebExchange } from './begin.ts'
import { peekJson } from './read-body.ts'

/** A request of web standards that may have an idempotency key. */
export interface KeyedRequest<Subject> {
  /** What `scope` receives. */
  readonly subject: Subject
  readonly request: Request
  readonly begun: WebExchange
  /** Returns the bytes of a body that something has read before. */
  readonly bytesRead?: () => Promise<Uint8Array> | undefined
}

/** What to do with a request: run it, keep its answer, or send the answer of the first one. */
export interface BegunOnWeb {
  readonly run?: FirstRun
  readonly answer?: StoredAnswer
}

/** Begins a request of web standards. Throws what {@link IdempotencyGuard.begin} throws. */
export async function beginKeyed<Subject>(
  guard: IdempotencyGuard<Subject>,
  { subject, request, begun, bytesRead }: KeyedRequest<Subject>,
): Promise<BegunOnWeb> {
  const { exchange, node } = begun
  const { method, headers, url } = request
  const result = await guard.begin({
    request: subject,
    method,
    // Null without a router: the path is in the fingerprint anyway.
    route: exchange.route ?? '',
    // Without the host, which a repetition may reach under another name.
    url: url.slice(url.indexOf('/', url.indexOf('//') + 2)),
    key: headers.get('idempotency-key') ?? undefined,
    body: () => bodyOf(request, begun, bytesRead?.()),
    headers: {
      'content-type': headers.get('content-type') ?? undefined,
      'content-length': headers.get('content-length') ?? undefined,
    },
  })
  if (result.kind === 'replay') return { answer: result.answer }
  if (result.kind === 'without key') return {}
  const { run } = result
  // Not the signal on Node, where reading it makes it.
  if (node === undefined) request.signal.addEventListener('abort', () => run.abandon(), { once: true })
  else node.response.once('close', () => run.abandon())
  return { run }
}

/** The body, if it is JSON that can be read here. The handler can still read it. */
async function bodyOf(
  request: Request,
  begun: WebExchange,
  bytesRead: Promise<Uint8Array> | undefined,
): Promise<unknown> {
  const { headers, body, bodyUsed } = request
  // A type such as `application/merge-patch+json` is the handler's.
  const isJson = /^application\/json\s*(?:;|$)/i.test(headers.get('content-type') ?? '')
  const isEncoded = (headers.get('content-encoding') ?? 'identity') !== 'identity'
  if (!isJson || isEncoded || body === null || (bytesRead === undefined && bodyUsed)) return undefined
  const { value, bytes } = await peekJson(request, begun.node, BODY_LIMIT, bytesRead)
  begun.body = bytes
  return value
}
