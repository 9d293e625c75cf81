import { isStream } from './body-chunks.ts'
import type { KnownOrigin } from './known-origin.ts'
import { readInit } from './request-init.ts'

type Body = NonNullable<RequestInit['body']>

/** What `fetch` would make of its arguments. */
export interface CheckedRequest {
  /** Undefined for text whose origin was known without parsing it, until more of the URL is needed. */
  url: URL | undefined
  readonly origin: string
  readonly method: string
  /** Whether the caller passed nothing but a URL, a method, headers, a body and a signal. */
  readonly plain: boolean
  // Undefined where the caller set nothing, and where the runtime does not know the property.
  readonly mode?: string | undefined
  readonly integrity?: string | undefined
  readonly redirect?: string | undefined
}

// To `fetch`, each of these is a method in its final form; a body is allowed where the value is true.
const METHODS: ReadonlyMap<string, boolean> = new Map([
  ['GET', false],
  ['HEAD', false],
  ['OPTIONS', true],
  ['POST', true],
  ['PUT', true],
  ['PATCH', true],
  ['DELETE', true],
])

/**
 * Checks the arguments of `fetch`, except the headers of most calls, which need no Request for it.
 *
 * @throws TypeError for what `fetch` refuses: an invalid URL, method or option, or a GET with a body
 */
export function checkedRequest(
  input: Request | string | URL,
  init: RequestInit,
  body: Body | Request | undefined,
  known: KnownOrigin,
): CheckedRequest {
  return plainRequest(input, init, body, known) ?? fullRequest(input, init, body)
}

/** Reads a request that needs no `new Request`, which costs as much as the policies. Undefined for any other. */
function plainRequest(
  input: Request | string | URL,
  init: RequestInit,
  body: Body | Request | undefined,
  known: KnownOrigin,
): CheckedRequest | undefined {
  if (!isPlainInput(input) || !isPlainInit(init)) return undefined
  const { method = 'GET' } = init
  const allowsBody = METHODS.get(method)
  if (allowsBody === undefined || (body !== undefined && (!allowsBody || isStream(body)))) return undefined
  const origin = typeof input === 'string' ? known.of(input) : undefined
  if (origin !== undefined) return { url: undefined, origin, method, plain: true }
  const url = parse(input)
  // `fetch` refuses a URL with a user or a password.
  if (url === undefined || url.username !== '' || url.password !== '') return undefined
  if (typeof input === 'string') known.learn(input, url.origin)
  return { url, origin: url.origin, method, plain: true }
}

function parse(input: string | URL): URL | undefined {
  try {
    return new URL(input)
  } catch {
    // Invalid, or relative to the page in a browser.
    return undefined
  }
}

function isPlainInput(input: Request | string | URL): input is string | URL {
  return typeof input === 'string' || input instanceof URL
}

function isPlainInit(init: RequestInit): boolean {
  // An init may be a Request, or have a prototype with getters.
  const prototype = Object.getPrototypeOf(init)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in init) {
    switch (key) {
      case 'method':
      case 'headers':
      case 'body':
      case 'signal':
        continue
      default:
        return false
    }
  }
  return init.headers !== null
}

function fullRequest(
  input: Request | string | URL,
  init: RequestInit,
  body: Body | Request | undefined,
): CheckedRequest {
  if (body instanceof Request && (body.bodyUsed || body.body?.locked)) {
    throw new TypeError('the body of this Request has already been used')
  }
  // Anything but an object is for `new Request` to refuse.
  const checked = Object(init) === init ? { ...readInit(init), ...checkedBody(body), signal: null } : init
  const { url: text, method, mode, integrity, redirect } = new Request(input, checked) as Request & Partial<Request>
  const url = new URL(text)
  return { url, origin: url.origin, method, plain: false, mode, integrity, redirect }
}

/** The members of a RequestInit with which `new Request` checks a body but does not read it. */
function checkedBody(body: Body | Request | undefined): RequestInit | undefined {
  if (body === undefined) return undefined
  // Rejects a stream that is locked or was read.
  if (body instanceof ReadableStream) return { body, duplex: 'half' }
  // An iterable is for `fetch` a stream too, but to check it would be to read it.
  return isStream(body) && !(body instanceof Request) ? { body: new ReadableStream(), duplex: 'half' } : { body: '' }
}
