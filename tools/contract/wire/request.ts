/** The five processes, by the role that the contract gives them. */
export const SERVICES = ['shop', 'flaky', 'product', 'inventory', 'dashboard'] as const
export type Service = (typeof SERVICES)[number]

/** The names under which the contract's log lines and error bodies tell of them. */
export const SERVICE_NAMES: Readonly<Record<Service, string>> = {
  shop: 'potion-shop',
  flaky: 'flaky-service',
  product: 'product-service',
  inventory: 'inventory-service',
  dashboard: 'dashboard',
}

/** One HTTP request. */
export interface WireRequest {
  /** Whom it goes to; the shop unless said otherwise. */
  readonly to: Service
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Bytes to be sent as they stand, in place of all of the above. */
  readonly raw?: string
  /** The client hangs up after so long. */
  readonly abortAfterMs?: number
}

/** What a request may say besides method and path. */
export type RequestExtras = Partial<Pick<WireRequest, 'to' | 'headers' | 'body' | 'abortAfterMs'>>

/** `GET` to the shop, unless the extras say otherwise. */
export function get(path: string, extras: RequestExtras = {}): WireRequest {
  return request('GET', path, extras)
}

/** Any method. */
export function request(method: string, path: string, extras: RequestExtras = {}): WireRequest {
  return { to: 'shop', method, path, headers: {}, ...extras }
}

/** `POST` with a JSON body. */
export function post(path: string, body: unknown, extras: RequestExtras = {}): WireRequest {
  return withJson('POST', path, body, extras)
}

/** `PUT` with a JSON body. */
export function put(path: string, body: unknown, extras: RequestExtras = {}): WireRequest {
  return withJson('PUT', path, body, extras)
}

/** `POST` with a body as it stands, to send what is no JSON. */
export function postText(path: string, body: string, contentType = 'application/json'): WireRequest {
  return request('POST', path, { body, headers: { 'content-type': contentType } })
}

/** Bytes as they stand, for what no HTTP client would send. `shown` stands for them in the report. */
export function rawBytes(shown: string, raw: string): WireRequest {
  return { ...request('raw', shown), raw }
}

/** A request as the report prints it. */
export function shownRequest({ to, method, path, headers, body }: WireRequest): string {
  const whom = to === 'shop' ? '' : `${to}: `
  const said = Object.entries(headers)
    .filter(([name]) => name !== 'content-type' && name !== 'traceparent')
    .map(([name, value]) => ` ${name}: ${value}`)
  return `${whom}${method} ${path}${said.join('')}${body === undefined ? '' : ` ${body}`}`
}

function withJson(method: string, path: string, body: unknown, extras: RequestExtras): WireRequest {
  const headers = { 'content-type': 'application/json', ...extras.headers }
  return request(method, path, { ...extras, headers, body: JSON.stringify(body) })
}
