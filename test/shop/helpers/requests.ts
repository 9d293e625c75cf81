import type { Name, Target } from './target.ts'

/** The keys of any answer that tests read. The tests check which of them are present. */
export interface Body {
  readonly trace_id: string
  readonly error_code: string
  readonly message: string
  readonly status_code: number
  readonly service_name: string
  readonly context: { readonly errors: readonly { readonly in: string; readonly pointer: string }[] }
  readonly inventory: { readonly stock: number | null }
  readonly requests: number
  readonly server_errors: number
  readonly lines: { readonly malformed: number }
  readonly by_service: Readonly<Record<string, unknown>>
}

/** An answer with its complete body. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; an empty object when it is not JSON. */
  readonly json: Body
  readonly ms: number
}

/** Sends a request to one of the processes. */
export async function ask(target: Target, name: Name, path: string, init: RequestInit = {}): Promise<Answer> {
  return await askPort(target.ports[name], path, init)
}

/** Sends a request to the process that listens on a port. */
export async function askPort(port: number, path: string, init: RequestInit = {}): Promise<Answer> {
  const started = performance.now()
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  const text = await response.text()
  const ms = performance.now() - started
  return { status: response.status, headers: response.headers, text, json: parsed(text) as Body, ms }
}

/** Returns the options of a request with a JSON body. */
export function posting(body: unknown, method = 'POST'): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** Sets the fault of a service; throws when the fault switch rejects it. */
export async function setFault(target: Target, name: Name, fault: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = await ask(target, name, '/__faults', posting(fault, 'PUT'))
  if (answer.status >= 300) throw new Error(`the fault switch answered ${answer.status} ${answer.text}`)
}

/** Removes the fault of a service; throws when the fault switch fails. */
export async function clearFault(target: Target, name: Name): Promise<void> {
  const answer = await ask(target, name, '/__faults', { method: 'DELETE' })
  if (answer.status >= 300) throw new Error(`the fault switch answered ${answer.status} ${answer.text}`)
}

/** Returns whether a process accepts connections on a port. */
export async function listening(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(500) }).then(
    () => true,
    (error: { name?: string }) => error.name === 'TimeoutError',
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
