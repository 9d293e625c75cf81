/** The five processes, by their role in the contract. */
export const SERVICES = ['shop', 'flaky', 'product', 'inventory', 'dashboard'] as const
export type Service = (typeof SERVICES)[number]

/** The service names in log lines and error bodies. */
export const SERVICE_NAMES: Readonly<Record<Service, string>> = {
  shop: 'potion-shop',
  flaky: 'flaky-service',
  product: 'product-service',
  inventory: 'inventory-service',
  dashboard: 'dashboard',
}

/** One HTTP request. */
export interface WireRequest {
  /** The service that receives it. */
  readonly to: Service
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Bytes to send unchanged, instead of the fields above. */
  readonly raw?: string
  /** The client closes the connection after this time. */
  readonly abortAfterMs?: number
}

/** The optional parts of a request. */
export type RequestExtras = Partial<Pick<WireRequest, 'to' | 'headers' | 'body' | 'abortAfterMs'>>

/** Creates a `GET` request, by default to the shop. */
export function get(path: string, extras: RequestExtras = {}): WireRequest {
  return request('GET', path, extras)
}

/** Creates a request with any method, by default to the shop. */
export function request(method: string, path: string, extras: RequestExtras = {}): WireRequest {
  return { to: 'shop', method, path, headers: {}, ...extras }
}

/** Creates a `POST` request with a JSON body. */
export function post(path: string, body: unknown, extras: RequestExtras = {}): WireRequest {
  return withJson('POST', path, body, extras)
}

/** Creates a `PUT` request with a JSON body. */
export function put(path: string, body: unknown, extras: RequestExtras = {}): WireRequest {
  return withJson('PUT', path, body, extras)
}

/** Creates a `POST` request with an unchanged text body, for example invalid JSON. */
export function postText(path: string, body: string, contentType = 'application/json'): WireRequest {
  return request('POST', path, { body, headers: { 'content-type': contentType } })
}

/** Creates a request of raw bytes that no HTTP client would send. The report prints `shown` instead. */
export function rawBytes(shown: string, raw: string): WireRequest {
  return { ...request('raw', shown), raw }
}

/** Formats a request for the report. */
export function shownRequest({ to, method, path, headers, body }: WireRequest): string {
  const prefix = to === 'shop' ? '' : `${to}: `
  const shownHeaders = Object.entries(headers)
    .filter(([name]) => name !== 'content-type' && name !== 'traceparent')
    .map(([name, value]) => ` ${name}: ${value}`)
  return `${prefix}${method} ${path}${shownHeaders.join('')}${body === undefined ? '' : ` ${body}`}`
}

function withJson(method: string, path: string, body: unknown, extras: RequestExtras): WireRequest {
  const headers = { 'content-type': 'application/json', ...extras.headers }
  return request(method, path, { ...extras, headers, body: JSON.stringify(body) })
}
